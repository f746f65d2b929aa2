"""How long sessions live, where one is signed in, and being asked again before much depends on it."""

import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from batchconsole.console.frame.session_life import SEEN, SIGNED_IN
from batchconsole.jobs.models import Connection

PASSWORD = "correct horse battery staple"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def age(client: Client, **seconds: float) -> None:
    """Have the session begun, and been seen, so many seconds ago."""
    session = client.session
    for name, past in seconds.items():
        session[{"started": SIGNED_IN, "seen": SEEN}[name]] = time.time() - past
    session.save()


@pytest.fixture
def staff(client: Client, person: User) -> Client:
    User.objects.update(is_staff=True, is_superuser=True)
    return client


def test_an_unused_session_ends(client: Client, settings: Settings) -> None:
    age(client, seen=settings.SESSION_IDLE_SECONDS + 5)
    assert client.get("/account/")["Location"].startswith("/login/")


def test_a_session_ends_after_its_time_though_it_is_used(client: Client, settings: Settings) -> None:
    age(client, started=settings.SESSION_COOKIE_AGE + 5)
    assert client.get("/account/")["Location"].startswith("/login/")


def test_using_a_session_keeps_it(client: Client) -> None:
    age(client, seen=1000)
    client.get("/account/")
    assert time.time() - client.session[SEEN] < 500


def test_what_a_page_asks_by_itself_does_not_keep_a_session(client: Client) -> None:
    age(client, seen=1000)
    client.get("/account/", headers={"X-Part": "true", "X-Version": "a1"})
    assert time.time() - client.session[SEEN] > 500


@pytest.mark.parametrize("url", ["connection/add/", "connection/{}/change/", "grant/add/"])
def test_connections_and_people_are_changed_only_after_a_fresh_confirmation(
    staff: Client, connection: Connection, url: str
) -> None:
    path = f"/admin/jobs/{url.format(connection.pk)}"
    if staff.get(path).status_code == 404:
        return  # not registered with the administration
    age(staff, started=3600)
    assert staff.get(path)["Location"].startswith("/account/confirm/?next=")


def test_lists_and_jobs_are_seen_without_a_confirmation(staff: Client, connection: Connection) -> None:
    age(staff, started=3600)
    assert staff.get("/admin/jobs/connection/").status_code == 200
    assert staff.get("/admin/jobs/batchjob/").status_code == 200


def test_a_confirmation_leads_back(staff: Client) -> None:
    age(staff, started=3600)
    url = staff.get("/admin/auth/user/add/")["Location"]
    assert staff.post(url, {"password": "wrong"}).status_code == 200
    assert staff.post(url, {"password": PASSWORD})["Location"] == "/admin/auth/user/add/"
    assert staff.get("/admin/auth/user/add/").status_code == 200


def test_a_form_that_is_open_may_be_sent_for_an_hour(client: Client) -> None:
    age(client, started=1800)
    assert client.get("/account/keys/create/").status_code == 302
    assert client.post("/account/keys/create/", {}).status_code == 200


def test_a_stale_form_changes_nothing_and_keeps_no_password(staff: Client) -> None:
    age(staff, started=9999)
    new = {"username": "eve", "password1": "hidden from everybody", "password2": "hidden from everybody"}
    assert staff.post("/admin/auth/user/add/", new)["Location"].startswith("/account/confirm/")
    assert not User.objects.filter(username="eve").exists()
    assert "hidden" not in str(dict(staff.session))


def test_who_has_nothing_to_confirm_with_is_not_asked(staff: Client, person: User) -> None:
    person.set_unusable_password()
    person.is_staff = person.is_superuser = True
    person.save()
    staff.force_login(person, backend=BACKEND)
    age(staff, started=3600)
    assert staff.get("/admin/jobs/connection/add/").status_code == 200


def test_one_signs_out_everywhere_else(person: User) -> None:
    here, elsewhere = Client(), Client()
    for each in (here, elsewhere):
        each.post("/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="203.0.113.9")
    assert here.get("/account/sessions/").text.count("203.0.113.9") == 2
    assert "All other sessions are ended." in here.post("/account/sessions/", follow=True).text
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
