"""The audit trail as a page: all of it, or what one asks for."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from batchconsole.console.templatetags.events import words
from batchconsole.jobs.models import Connection, Event
from tests.console.conftest import MakeJob

URL = "/activity/"


def test_it_works(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    job.record("created", actor=job.created_by, to_status="Queued")
    job.record("reported", to_status="Completed", data={"records": 100})
    text = client.get(URL).text
    for part in ("welcome", "ada", "System", "Status reported by AWS", "Records: 100"):
        assert part in text


def test_it_can_be_narrowed_to_connection_person_and_deed(client: Client, make_job: MakeJob, other: Connection) -> None:
    job = make_job()
    job.record("created", actor=job.created_by)
    job.record("reported")
    Event.objects.create(connection=other, verb="role_created", data={})
    for query, count in (({"connection": "local"}, 2), ({"actor": "ada"}, 1), ({"verb": "role_created"}, 1)):
        assert client.get(URL, query).context["page"].count == count


@pytest.mark.parametrize("words", ["welc", "ROLE/nightly", "Zoë asked", "400", "123456789012:"])
def test_it_can_be_searched_by_job_target_and_values(words: str, client: Client, make_job: MakeJob) -> None:
    job = make_job()
    Event.objects.create(connection=job.connection, verb="created", data={"records": 7})
    if words == "welc":
        job.record("created")
    else:
        Event.objects.create(
            connection=job.connection,
            verb="role_created",
            target="role/nightly",
            data={"ARN": "arn:aws:iam::123456789012:role", "note": "Zoë asked"},
            after={"records": 400},
        )
    assert client.get(URL, {"find": words}).context["page"].count == 1
    assert client.get("/activity.csv", {"find": words}).getvalue().count(b"\n") == 2


def test_large_counts_have_separators(client: Client, make_job: MakeJob) -> None:
    make_job().record("reported", data={"records": 10_000})
    assert "Records: 10,000" in client.get(URL).text


def test_an_input_check_is_linked(client: Client, make_job: MakeJob) -> None:
    make_job().record("created", data={"input_check": 1234})
    assert '<a href="/local/input-checks/1234/">Input check 1234</a>' in client.get(URL).text


def test_no_match_is_told_from_no_activity(client: Client, make_job: MakeJob) -> None:
    assert "No activity" in client.get(URL).text
    make_job().record("created")
    text = client.get(URL, {"verb": "role_created"}).text
    assert "No matches" in text
    assert "(0)" not in text


def test_what_is_unknown_is_left_out(client: Client, make_job: MakeJob) -> None:
    make_job().record("created")
    assert client.get(URL, {"connection": "nowhere", "actor": "nobody", "verb": "x", "page": "y"}).status_code == 200


def test_queries_do_not_grow_with_the_rows(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_job(f"job-{number}").record("created")
    client.get(URL)
    with django_assert_max_num_queries(8):
        client.get(URL)


def test_it_can_be_narrowed_to_job_address_and_days(client: Client, make_job: MakeJob, connection: Connection) -> None:
    job = make_job()
    job.record("created", actor=job.created_by)
    early = datetime(2026, 1, 2, 3, tzinfo=UTC)
    Event.objects.create(connection=connection, verb="reported", address="203.0.113.9", at=early)
    for query, count in (
        ({"job": job.pk}, 1),
        ({"address": "203.0.113.9"}, 1),
        ({"address": "nowhere"}, 0),
        ({"until": "2026-01-02"}, 1),
        ({"since": "2026-01-03"}, 1),
        ({"since": "2026-01-01", "until": "2026-01-01"}, 0),
    ):
        assert client.get(URL, query).context["page"].count == count, query


def test_the_export_has_what_the_filter_finds(client: Client, make_job: MakeJob) -> None:
    job = make_job()
    job.record("created", actor=job.created_by)
    job.record("reported", data={"records": 100})
    text = client.get("/activity.csv", {"verb": "reported"}).getvalue().decode()
    lines = text.strip().splitlines()
    assert len(lines) == 2
    assert "records" in lines[1]


def test_values_before_and_after_are_shown(client: Client, connection: Connection) -> None:
    Event.objects.create(
        connection=connection, verb="row_changed", target="role <b>x</b>", before={"title": "A"}, after={"title": "B"}
    )
    text = client.get(URL).text
    for part in ("role &lt;b&gt;x", "Title before: A", "Title now: B"):
        assert part in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [("job_arn", "Job ARN"), ("key_id", "Key ID"), ("records", "Records"), ("stop_reason", "Stop reason")],
)
def test_details_are_named_in_words(name: str, shown: str) -> None:
    assert words(name) == shown
