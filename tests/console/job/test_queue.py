"""The place in the queue on the pages: who sees it, who may change it, and what everybody is told."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.models import BatchJob, Connection, Status
from tests.console.conftest import MakeJob
from tests.factories import grant


@pytest.fixture
def job(make_job: MakeJob) -> BatchJob:
    return make_job(status=Status.QUEUED)


def act(client: Client, verb: str, job: BatchJob, **data: str) -> str:
    answer = client.post(reverse(f"job-{verb}", args=[job.connection.name, job.pk]), data, follow=True)
    job.refresh_from_db()
    return answer.text


def test_it_is_held_released_and_moved(client: Client, job: BatchJob) -> None:
    assert "welcome is held in the queue." in act(client, "hold", job)
    assert "Held by ada." in client.get(job.get_absolute_url()).text
    assert "welcome was released." in act(client, "unhold", job)
    act(client, "priority", job, priority="7")
    assert job.priority == 7
    act(client, "front", job)
    assert job.priority == 101


@pytest.mark.parametrize("priority", ["", "x", "1e3", "101", "9" * 50])
def test_a_bad_priority_is_refused_in_words(priority: str, client: Client, job: BatchJob) -> None:
    assert "A priority is a whole number from -100 to 100." in act(client, "priority", job, priority=priority)
    assert job.priority == 0


def test_what_has_left_the_queue_is_told(client: Client, make_job: MakeJob) -> None:
    text = act(client, "hold", make_job(status=Status.IN_PROGRESS))
    assert "The job is in progress, so it has no place in the queue." in text


def test_a_submitter_sees_the_approval_and_an_operator_gives_it(
    client: Client, connection: Connection, make_job: MakeJob
) -> None:
    sue = User.objects.create_user("sue")
    grant(sue, "Submitter", connection)
    others = Client()
    others.force_login(sue, backend="django.contrib.auth.backends.ModelBackend")
    job = make_job(status=Status.QUEUED, created_by=sue, held_at=timezone.now(), awaits_approval=True)
    seen = others.get(job.get_absolute_url()).text
    assert "This job waits for approval" in seen
    assert "Approve</button>" not in seen
    assert "Approve</button>" in client.get(job.get_absolute_url()).text
    assert "Approving a job takes a comment." in act(client, "unhold", job)
    act(client, "unhold", job, comment="Within budget.")
    assert not job.is_held
    assert "Within budget." in others.get(f"{job.get_absolute_url()}?tab=activity").text


def test_the_list_tells_why_each_waits_and_finds_what_is_held(client: Client, make_job: MakeJob) -> None:
    make_job("first", status=Status.QUEUED)
    make_job("later", status=Status.QUEUED, start_at=timezone.now() + timedelta(days=1))
    make_job("kept", status=Status.QUEUED, held_at=timezone.now())
    make_job("was-kept", status=Status.CANCELLED, held_at=timezone.now())
    text = client.get("/local/jobs/").text
    for reason in ("Next in the queue.", "Starts at ", "Held."):
        assert reason in text
    found = client.get("/local/jobs/?f=status%3DHeld").context["table"].page.rows
    assert [job.job_name for job in found] == ["kept"]


def test_the_list_looks_at_each_queue_once(
    client: Client, make_job: MakeJob, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        make_job(f"job-{number}", status=Status.QUEUED)
    with django_assert_max_num_queries(40):  # type: ignore[operator] # pytest-django's
        client.get("/local/jobs/")
