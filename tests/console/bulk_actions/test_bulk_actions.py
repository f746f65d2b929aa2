"""The pages of bulk actions: how far each is, what became of its jobs, and the rest cancelled."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from batchconsole.jobs import bulk_actions
from batchconsole.jobs.models import BatchJob, BulkAction, Connection
from tests.console.conftest import Answer, MakeJob, arn

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


def tag(client: Client, *jobs: BatchJob, **entries: str) -> Answer:
    return client.post("/local/jobs/tag/", {"job": [job.pk for job in jobs], **entries}, follow=True)


def test_tags_of_several_jobs_are_set_and_removed(client: Client, make_job: MakeJob) -> None:
    old = {"key": "stage", "value": "test"}
    one, two = make_job("one", "Queued", tags=[old, {"key": "keep", "value": "me"}]), make_job("two", "Queued")
    text = tag(client, one, two, **{"tags-0-key": "team", "tags-0-value": "nlp", "remove": "stage, gone"}).text
    assert "2 jobs are being tagged." in text
    action = BulkAction.objects.get()
    bulk_actions.stop_jobs(action)
    one.refresh_from_db()
    assert one.tags == [{"key": "keep", "value": "me"}, {"key": "team", "value": "nlp"}]
    text = client.get(action.get_absolute_url()).text
    for part in ("Tag change of 2 jobs", "team = nlp", "stage, gone", "2 tagged."):
        assert part in text


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, "There are no tags to set or to remove."),
        ({"tags-0-key": "team", "remove": "team"}, "team is both set and removed."),
        ({"remove": "aws:cloudformation"}, "is a tag of AWS"),
        ({"tags-0-value": "nlp"}, "You must specify a tag key"),
    ],
)
def test_tags_that_cannot_be_changed_are_said(
    entries: dict[str, str], said: str, client: Client, make_job: MakeJob
) -> None:
    text = tag(client, make_job("one", "Queued"), **entries).text
    assert said in text
    assert "<title>Error: Change tags" in text
    assert not BulkAction.objects.exists()


def test_a_row_is_added_without_script(client: Client, make_job: MakeJob) -> None:
    text = tag(client, make_job("one", "Queued"), **{"tags-0-key": "team", "add_tag": "1"}).text
    assert 'name="tags-1-key"' in text
    assert 'value="team"' in text


def test_a_job_that_aws_never_accepted_is_not_tagged(client: Client, make_job: MakeJob) -> None:
    text = tag(client, make_job("one", "SubmitFailed", attempts=1), **{"tags-0-key": "team"}).text
    assert "No jobs to tag." in text


def test_several_jobs_are_cloned_once_even_if_a_worker_dies(client: Client, make_job: MakeJob) -> None:
    one, two = make_job("nightly", tags=[{"key": "team", "value": "nlp"}]), make_job("weekly", "Failed")
    form = {"job": [one.pk, two.pk]}
    assert "charged again" in client.get("/local/jobs/clone/", form).text
    assert "2 jobs are being cloned." in client.post("/local/jobs/clone/", form, follow=True).text
    action = BulkAction.objects.get()
    bulk_actions.stop_jobs(action, most=1)
    action.items.update(outcome="pending", made=None)  # as if the worker had died before it stored the outcome
    BulkAction.objects.update(finished_at=None)
    bulk_actions.stop_jobs(BulkAction.objects.get())
    clones = BatchJob.objects.filter(clone_of__isnull=False)
    assert sorted(clones.values_list("job_name", flat=True)) == ["nightly-clone-2", "weekly-clone-2"]
    assert clones.get(clone_of=one).tags == one.tags
    text = client.get(action.get_absolute_url()).text
    assert "2 cloned." in text
    assert f'<a href="{clones.get(clone_of=two).get_absolute_url()}">weekly-clone-2</a>' in text


def test_a_clone_that_the_connection_refuses_now_fails_with_the_reason(
    client: Client, make_job: MakeJob, connection: Connection
) -> None:
    job = make_job("nightly")
    connection.allowed_models = ["anthropic.*"]
    connection.save()
    client.post("/local/jobs/clone/", {"job": [job.pk]})
    action = BulkAction.objects.get()
    bulk_actions.stop_jobs(action)
    assert "does not allow the model" in client.get(action.get_absolute_url()).text
