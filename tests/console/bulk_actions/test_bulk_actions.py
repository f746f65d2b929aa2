"""The pages of bulk actions: how far each is, what became of its jobs, and the rest cancelled."""

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
    bulk_actions.stop_jobs(action)
    BulkAction.objects.update(failures=bulk_actions.MOST_ATTEMPTS - 1)
    bulk_actions.stop_jobs(BulkAction.objects.get(pk=action.pk))
    text = client.get(action.get_absolute_url()).text
    assert "1 cancelled, 1 had already ended, 1 failed." in text
    assert "Finished with failures" in text
    assert "127.0.0.1:9" in text  # AWS's message
    assert "data-busy" not in text


def test_it_shows_one_outcome_only_when_asked(client: Client, make_job: MakeJob) -> None:
    make_job("waiting", "Queued")
    running = make_job("running", "InProgress", job_arn=arn())
    action = request_stop(running.connection)
    bulk_actions.stop_jobs(action)
    text = client.get(action.get_absolute_url(), {"outcome": "cancelled"}).text
    assert re.findall(r'scope="row"><a[^>]*>([^<]+)', text) == ["waiting"]


def test_polling_answers_nothing_while_nothing_changed(client: Client, make_job: MakeJob) -> None:
    action = request_stop(make_job(status="Queued").connection)
    url = action.get_absolute_url()
    version = re.findall(r'data-version="(\w+)"', client.get(url).text)[0]
    asked = {"HX-Request": "true", "X-Version": version}
    assert client.get(url, headers=asked).status_code == 204
    bulk_actions.stop_jobs(action)
    assert client.get(url, headers=asked).status_code == 200


def test_it_belongs_to_its_connection(client: Client, make_job: MakeJob, other: Connection) -> None:
    action = request_stop(make_job(status="Queued").connection)
    assert client.get(f"/production/bulk-actions/{action.pk}/").status_code == 404


def test_the_activity_leads_to_it(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    action = request_stop(job.connection)
    bulk_actions.stop_jobs(action)
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


def test_the_rest_is_cancelled_from_its_page(client: Client, make_job: MakeJob) -> None:
    make_job("first", "Queued")
    action = request_stop(make_job("second", "Queued").connection)
    assert "Cancel remaining jobs" in client.get(action.get_absolute_url()).text
    bulk_actions.stop_jobs(action, most=1)
    text = client.post(f"{action.get_absolute_url()}cancel/", follow=True).text
    for part in (
        "Skipped the remaining 1 job.",
        "Remaining jobs cancelled",
        "1 cancelled, 1 was skipped.",
        "1 of 2",
    ):
        assert part in text
    assert "Cancelled before processing." in text
    assert "/cancel/" not in text


def test_a_worker_in_the_middle_of_a_job_is_waited_for(client: Client, make_job: MakeJob) -> None:
    action = request_stop(make_job(status="Queued").connection)
    assert bulk_actions.stop_jobs.take(BulkAction.objects.get(pk=action.pk))
    text = client.post(f"{action.get_absolute_url()}cancel/", follow=True).text
    assert "is finished first" in text
    assert "Cancelling remaining jobs" in text


def test_an_action_that_has_finished_is_not_cancelled(client: Client, make_job: MakeJob) -> None:
    action = request_stop(make_job(status="Queued").connection)
    bulk_actions.stop_jobs(action)
    text = client.post(f"{action.get_absolute_url()}cancel/", follow=True).text
    assert "This action has finished already. Nothing was changed." in text
    assert client.get(f"{action.get_absolute_url()}cancel/").status_code == 405
    assert client.post(f"/local/bulk-actions/{action.pk + 1}/cancel/").status_code == 404


def test_the_list_says_who_asked_when_and_how_it_went(client: Client, make_job: MakeJob, person: User) -> None:
    action = request_stop(make_job(status="Queued").connection, person)
    bulk_actions.stop_jobs(action)
    BulkAction.objects.update(matched_all=True, query="q=nightly")
    text = client.get("/local/bulk-actions/").text
    for part in (
        action.get_absolute_url(),
        "Stop of 1 job",
        "Finished",
        "ada",
        "/local/jobs/?q=nightly",
        "1 cancelled",
    ):
        assert part in text
    assert "data-busy" not in text


def test_the_list_says_when_there_is_nothing(client: Client, connection: Connection) -> None:
    assert "No bulk actions" in client.get("/local/bulk-actions/").text


def test_the_list_follows_what_runs(client: Client, make_job: MakeJob) -> None:
    action = request_stop(make_job(status="Queued").connection)
    text = client.get("/local/bulk-actions/").text
    assert "data-busy" in text
    asked = {"HX-Request": "true", "X-Version": re.findall(r'data-version="(\w+)"', text)[0]}
    assert client.get("/local/bulk-actions/", headers=asked).status_code == 204
    bulk_actions.stop_jobs(action)
    assert "1 cancelled" in client.get("/local/bulk-actions/", headers=asked).text


@pytest.mark.parametrize("page", ["/local/jobs/", "/activity/"])
def test_the_list_is_found_where_jobs_and_deeds_are(client: Client, make_job: MakeJob, page: str) -> None:
    make_job()
    assert 'href="/local/bulk-actions/"' in client.get(page).text


@pytest.mark.parametrize("count", [2, 15])
def test_queries_of_the_list_do_not_grow_with_its_rows(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        request_stop(make_job(status="Queued").connection)
    client.get("/local/bulk-actions/")
    with django_assert_max_num_queries(QUERIES):
        client.get("/local/bulk-actions/")


def test_selected_jobs_are_held_after_a_question(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job(f"job-{number}", "Queued") for number in range(2)]
    keys = [job.pk for job in jobs]
    assert "Hold 2 jobs in the queue?" in client.get("/local/jobs/hold/", {"job": keys}).text
    assert "2 jobs are being held." in client.post("/local/jobs/hold/", {"job": keys}, follow=True).text
    assert "Hold of 2 jobs" in client.get("/local/bulk-actions/").text
    assert "None of these jobs is held." in client.get("/local/jobs/unhold/", {"job": keys}).text
