"""What the audit trail learns from requests."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from sesame.utils import get_parameters

from batchconsole.jobs.audit import count_record_view
from batchconsole.jobs.models import Connection, Event, RecordView, Verb
from tests.console.conftest import MakeJob

PASSWORD = "correct horse battery staple"


def test_a_sign_in_is_told_with_its_address_and_its_session(person: User) -> None:
    Client().post("/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
    event = Event.objects.get()
    assert (event.verb, event.actor, event.address) == (Verb.SIGNED_IN, person, "203.0.113.9")
    assert len(event.session) == 12


def test_a_sign_in_by_link_is_told_without_the_link(person: User) -> None:
    token = get_parameters(person)
    Client().post("/login/", token)
    event = Event.objects.get()
    assert event.data == {"by": "link"}
    assert token["sesame"] not in str(event.as_dict())


@pytest.mark.parametrize(
    "fields",
    [{"username": "ada", "password": "hunter2hunter2"}, {"sesame": "AAAA"}, {"username": "x" * 149, "password": "y"}],
)
def test_a_failed_sign_in_is_told_without_what_was_tried(person: User, fields: dict[str, str]) -> None:
    Client().post("/login/", fields)
    event = Event.objects.get()
    assert (event.verb, event.target) == (Verb.SIGN_IN_FAILED, fields.get("username", ""))
    assert "hunter2" not in str(event.as_dict())


def told(client: Client) -> list[str]:
    """The verbs since *client* signed in."""
    return [verb for verb in Event.objects.order_by("pk").values_list("verb", flat=True) if verb != Verb.SIGNED_IN]


def test_signing_out_is_told(client: Client) -> None:
    client.post("/logout/")
    assert told(client) == [Verb.SIGNED_OUT]


def test_a_change_in_the_administration_is_told_with_its_values(client: Client, person: User) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    connection = Connection.objects.create(name="production", title="Production")
    client.post(f"/admin/jobs/connection/{connection.pk}/delete/", {"post": "yes"})
    event = Event.objects.get(verb=Verb.ROW_DELETED)
    assert (event.actor, event.before["name"]) == (person, "production")


def test_a_change_that_no_verb_tells_is_told(client: Client, connection: Connection) -> None:
    client.post("/preferences/", {"theme": "dark", "density": "compact", "time_zone": "utc", "page_size": "20"})
    assert told(client) == [Verb.REQUESTED]


def test_a_form_that_was_refused_is_no_change(client: Client, connection: Connection) -> None:
    client.post("/preferences/", {"theme": "pink"})
    assert told(client) == []


def test_a_download_is_told_with_what_it_was(client: Client, connection: Connection) -> None:
    client.get("/local/jobs.csv")
    event = Event.objects.get(verb=Verb.DOWNLOADED)
    assert (event.target, event.connection) == ("/local/jobs.csv", connection)


def test_looking_at_pages_is_not_told(client: Client, connection: Connection) -> None:
    client.get("/local/jobs/")
    assert told(client) == []


def test_looking_at_records_is_counted_by_job_and_day(client: Client, person: User, make_job: MakeJob) -> None:
    job: Any = make_job()
    for _ in range(3):
        count_record_view(job, person)
    assert RecordView.objects.get().count == 3
    assert Event.objects.filter(job=job, verb=Verb.RECORDS_VIEWED).count() == 1


def test_the_administration_has_no_way_in_of_its_own(person: User) -> None:
    response = Client().post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert response["Location"].startswith("/login/")
