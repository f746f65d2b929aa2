"""Stopping one job and several: the question, the answer, and what became of each."""

from django.contrib.messages import get_messages
from django.test import Client

from batchconsole.jobs.models import Connection, Event
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
    assert "nothing is charged" in client.get(f"{waiting.get_absolute_url()}stop/").text


def test_stopping_a_waiting_job_cancels_it_and_leaves_a_trace(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="Queued")
    response = client.post(f"{job.get_absolute_url()}stop/")
    job.refresh_from_db()
    assert job.status == "Cancelled"
    assert response["Location"] == job.get_absolute_url()
    assert said(response) == ["The job welcome is being stopped."]
    assert Event.objects.get(job=job, verb="cancelled").actor is not None


def test_stopping_the_selected_tells_what_became_of_each(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job("one", "Queued"), make_job("two", "Queued"), make_job("three", "Completed")]
    response = client.post(URL, {"job": [job.pk for job in jobs], "next": "/local/jobs/?q=o"})
    assert response["Location"] == "/local/jobs/?q=o"
    assert said(response) == ["The job three had already ended.", "2 jobs are being stopped."]


def test_a_refusal_is_said_with_its_reason_and_keeps_no_other(client: Client, make_job: MakeJob) -> None:
    away, waiting = make_job("away", "InProgress", job_arn=arn()), make_job("waiting", "Queued")
    messages = said(client.post(URL, {"job": [away.pk, waiting.pk]}))
    assert messages[0].startswith("away could not be stopped.")
    assert messages[1] == "The job waiting is being stopped."


def test_the_question_lists_the_jobs_and_counts_those_that_ended(client: Client, make_job: MakeJob) -> None:
    jobs = [make_job("one", "Queued"), make_job("two", "InProgress"), make_job("three", "Completed")]
    text = client.get(URL, {"job": [job.pk for job in jobs]}).text
    assert "Stop these 2 jobs?" in text
    assert "1 selected job has already ended and stays as it is." in text


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
