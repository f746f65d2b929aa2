"""The audit trail as a page: all of it, or what one asks for."""

from django.test import Client
from pytest_django import DjangoAssertNumQueries

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
