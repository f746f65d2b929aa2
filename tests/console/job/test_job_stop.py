"""Stopping one job and several: the question, the answer, and what became of each."""

from django.contrib.messages import get_messages
from django.test import Client

from batchconsole.jobs.models import BulkAction, Connection, Event
from tests.console.conftest import Answer, MakeJob, arn

URL = "/local/jobs/stop/"


def said(response: Answer) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_question_is_a_page_and_a_dialog(client: Client, make_job: MakeJob) -> None:
    url = f"{make_job(status='InProgress').get_absolute_url()}stop/"
    assert "<h1" in client.get(url).text
    fragment = client.get(url, headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "Stop job <strong>welcome</strong>? You can't undo this action." in fragment


def test_it_says_that_processed_tokens_are_charged(client: Client, make_job: MakeJob) -> None:
    running, waiting = make_job(status="InProgress"), make_job(status="Queued")
    assert "charged for tokens" in client.get(f"{running.get_absolute_url()}stop/").text
    assert "you are not charged" in client.get(f"{waiting.get_absolute_url()}stop/").text


def test_stopping_a_waiting_job_cancels_it_and_leaves_a_trace(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    response = client.post(f"{job.get_absolute_url()}stop/")
    job.refresh_from_db()
    assert job.status == "Cancelled"
    assert response["Location"] == job.get_absolute_url()
    assert said(response) == ["The job welcome was cancelled."]
    assert Event.objects.get(job=job, verb="cancelled").actor is not None


def test_stopping_several_becomes_a_bulk_action_that_is_linked(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job("one", "Queued"), make_job("two", "InProgress"), make_job("three", "Completed")]
    response = client.post(URL, {"job": [job.pk for job in jobs], "next": "/local/jobs/?q=o"})
    action = BulkAction.objects.get()
    assert response["Location"] == "/local/jobs/?q=o"
    assert (action.job_count, action.skipped, action.created_by) == (2, 1, jobs[0].created_by)
    link = f'<a href="/local/bulk-actions/{action.pk}/">View progress</a>'
    assert said(response) == [f"2 jobs are being stopped. {link}"]


def test_a_button_pressed_twice_makes_one_bulk_action(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job("one", "Queued"), make_job("two", "Queued")]
    sent = {"job": [job.pk for job in jobs], "request_token": "0123456789abcdef" * 2}
    first = said(client.post(URL, sent))
    jobs[0].transition("Cancelled", verb="cancelled")  # a worker has begun
    assert said(client.post(URL, sent))[-1:] == first
    assert BulkAction.objects.count() == 1
    BulkAction.objects.update(job_count=1)
    assert said(client.post(URL, sent))[-1].startswith("1 job is being stopped.")
    assert 'name="request_token"' in client.get(URL, {"job": [jobs[1].pk]}).text


def test_a_refusal_is_said_with_its_reason(client: Client, make_job: MakeJob) -> None:
    away = make_job("away", "InProgress", job_arn=arn())
    assert said(client.post(URL, {"job": [away.pk]}))[0].startswith("away could not be stopped.")


def test_the_question_lists_the_jobs_and_what_becomes_of_them(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job("one", "Queued"), make_job("two", "InProgress"), make_job("three", "Completed")]
    text = client.get(URL, {"job": [job.pk for job in jobs]}).text
    assert "Stop these 2 jobs?" in text
    assert "<strong>1</strong> waits here and will be cancelled." in text
    assert "<strong>1</strong> has been submitted and will be stopped at AWS." in text
    assert "1 selected job has ended or is being stopped already, and stays as it is." in text


def test_all_that_match_are_more_than_the_page(client: Client, make_job: MakeJob) -> None:
    for number in range(30):
        make_job(f"nightly-{number}", "Queued")
    make_job("other", "Queued")
    text = client.get(URL, {"all": "1", "match": "q=nightly"}).text
    assert "Stop all 30 jobs that match and have not ended?" in text
    assert "and 10 more" in text


def test_what_was_made_after_the_question_is_left_alone(client: Client, make_job: MakeJob) -> None:
    make_job("nightly-1", "Queued")
    seen = make_job("nightly-2", "Queued")
    later = make_job("nightly-3", "Queued")
    client.post(URL, {"all": "1", "match": "q=nightly", "until": str(seen.pk)})
    action = BulkAction.objects.get()
    assert (action.job_count, action.matched_all, action.query) == (2, True, "q=nightly")
    assert not action.items.filter(job=later).exists()


def test_a_filter_that_makes_no_sense_stops_nothing(client: Client, make_job: MakeJob) -> None:
    make_job(status="Queued")
    response = client.post(URL, {"all": "1", "match": "f=nonsense"})
    assert said(response) == ["Unknown filters: f=nonsense."]
    assert not BulkAction.objects.exists()


def test_nothing_left_to_stop_is_said(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Completed")
    assert "No jobs to stop: the job has ended" in client.get(URL, {"job": job.pk}).text
    assert "No jobs to stop" in said(client.post(URL, {"job": job.pk}))[0]
    assert "No jobs to stop: all of them have ended" in client.get(URL, {"all": "1"}).text


def test_without_a_selection_it_says_what_to_do(client: Client, connection: Connection) -> None:
    for query in ({}, {"job": ["x", "99999999999999999999999"]}):
        response = client.get(URL, query)
        assert response["Location"] == "/local/jobs/"
        assert "Select the jobs to stop first." in said(response)


def test_jobs_of_another_connection_cannot_be_named(client: Client, make_job: MakeJob, other: Connection) -> None:
    job = make_job(status="Queued", connection=other)
    client.post(URL, {"job": [job.pk]})
    assert client.post(f"/local/jobs/{job.pk}/stop/").status_code == 404
    job.refresh_from_db()
    assert job.status == "Queued"


def test_it_never_leads_to_another_site(client: Client, make_job: MakeJob) -> None:
    response = client.post(URL, {"job": [make_job(status="Queued").pk], "next": "https://evil.example/"})
    assert response["Location"] == "/local/jobs/"
