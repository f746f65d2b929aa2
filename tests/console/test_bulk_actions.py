"""The page of a bulk action: how far it is and what became of each job."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from batchconsole.jobs import bulk_actions
from batchconsole.jobs.models import BatchJob, BulkAction, Connection
from tests.console.conftest import MakeJob, arn

QUERIES = 9  # session, user, connections of the page and the switch; the action, its counts, its page of jobs


def request_stop(connection: Connection, person: User | None = None) -> BulkAction:
    jobs = BatchJob.objects.filter(connection=connection)
    return bulk_actions.request_stop(connection=connection, actor=person, jobs=jobs)


def test_it_works(client: Client, make_job: MakeJob, person: User) -> None:
    job = make_job("nightly", "Queued")
    action = request_stop(job.connection, person)
    text = client.get(action.get_absolute_url()).text
    for part in ("Stop of 1 job", "In progress", "Waiting for a worker", "0 of 1", "ada", "nightly", "data-busy"):
        assert part in text


def test_the_end_says_what_became_of_each(client: Client, make_job: MakeJob) -> None:
    make_job("waiting", "Queued")
    quick = make_job("quick", "Queued")
    away = make_job("away", "InProgress", job_arn=arn())
    action = request_stop(away.connection)
    BatchJob.objects.filter(pk=quick.pk).update(status="Completed")
    bulk_actions.run(action)
    BulkAction.objects.update(failures=bulk_actions.MOST_ATTEMPTS - 1)
    bulk_actions.run(BulkAction.objects.get(pk=action.pk))
    text = client.get(action.get_absolute_url()).text
    assert "1 cancelled, 1 had already ended, 1 could not be stopped." in text
    assert "Finished with failures" in text
    assert "127.0.0.1:9" in text  # AWS's message
    assert "data-busy" not in text


def test_it_shows_one_outcome_only_when_asked(client: Client, make_job: MakeJob) -> None:
    make_job("waiting", "Queued")
    running = make_job("running", "InProgress", job_arn=arn())
    action = request_stop(running.connection)
    bulk_actions.run(action)
    text = client.get(action.get_absolute_url(), {"outcome": "cancelled"}).text
    assert re.findall(r'scope="row"><a[^>]*>([^<]+)', text) == ["waiting"]


def test_polling_answers_nothing_while_nothing_changed(client: Client, make_job: MakeJob) -> None:
    action = request_stop(make_job(status="Queued").connection)
    url = action.get_absolute_url()
    version = re.findall(r'data-version="(\w+)"', client.get(url).text)[0]
    asked = {"HX-Request": "true", "X-Version": version}
    assert client.get(url, headers=asked).status_code == 204
    bulk_actions.run(action)
    assert client.get(url, headers=asked).status_code == 200


def test_it_belongs_to_its_connection(client: Client, make_job: MakeJob, other: Connection) -> None:
    action = request_stop(make_job(status="Queued").connection)
    assert client.get(f"/production/bulk-actions/{action.pk}/").status_code == 404


def test_the_activity_leads_to_it(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    action = request_stop(job.connection)
    bulk_actions.run(action)
    link = f'<a href="{action.get_absolute_url()}">Bulk action {action.pk}</a>'
    assert client.get("/activity/").text.count(link) == 3  # the request, the job, the end
    assert link in client.get(f"{job.get_absolute_url()}?tab=activity").text


@pytest.mark.parametrize("count", [2, 45])
def test_queries_do_not_grow_with_the_rows(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        job = make_job(f"job-{number}", "Queued")
    action = request_stop(job.connection)
    client.get(action.get_absolute_url())
    with django_assert_max_num_queries(QUERIES):
        client.get(action.get_absolute_url())
