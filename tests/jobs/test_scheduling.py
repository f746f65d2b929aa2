"""Which step is next and who may take it. The races are forced: everybody looks before anybody may write."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import clock, leases
from batchconsole.jobs.models import BatchJob, Connection, ModelLimit, Status, Verb
from batchconsole.jobs.queue import queue_places, scheduling
from tests.jobs.conftest import MODEL, claim, die, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]


def at_once(*steps: Callable[[], object]) -> list[object]:
    """Run *steps* in threads that all start together; what each returned, or raised."""
    barrier = threading.Barrier(len(steps))
    found: list[object] = []

    def run(step: Callable[[], object]) -> None:
        barrier.wait()
        try:
            found.append(step())
        except Exception as error:
            found.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def limit(jobs_at_once: int, connection: Connection | None = None) -> None:
    ModelLimit.objects.create(connection=connection, model_id=MODEL, jobs_at_once=jobs_at_once)


def submissions(nudges: Nudges) -> list[int]:
    return [pk for task, pk in nudges if task == "submit"]


@pytest.fixture(autouse=True)
def synced(nowhere: Connection) -> None:
    later = timezone.now() + timedelta(minutes=10)
    Connection.objects.update(sync_due_at=later, limits_due_at=later)


def test_it_works(nowhere: Connection, nudges: Nudges) -> None:
    job = make_job(nowhere)
    assert clock.tick() == 1
    assert nudges == [("submit", job.pk)]


def test_a_second_tick_leaves_it_alone_for_a_while(nowhere: Connection, nudges: Nudges) -> None:
    make_job(nowhere)
    clock.tick()
    assert clock.tick() == 0
    clock.tick(timezone.now() + leases.NUDGE * 2)
    assert len(nudges) == 2


def test_ticks_at_once_hand_out_each_step_once(nowhere: Connection, nudges: Nudges) -> None:
    jobs = [make_job(nowhere) for _ in range(10)]
    at_once(*[clock.tick] * 4)
    assert sorted(submissions(nudges)) == [job.pk for job in jobs]


def test_the_queue_is_first_come_first_served_up_to_the_limit(nowhere: Connection, nudges: Nudges) -> None:
    limit(2)
    jobs = [make_job(nowhere) for _ in range(3)]
    make_job(nowhere, status=Status.IN_PROGRESS)
    clock.tick()
    assert submissions(nudges) == [jobs[0].pk]


def test_a_full_model_does_not_hold_up_another(nowhere: Connection, nudges: Nudges) -> None:
    limit(0)
    make_job(nowhere)
    other = make_job(nowhere, model_id="meta.llama3-1-8b-instruct-v1:0")
    clock.tick()
    assert submissions(nudges) == [other.pk]


def test_arns_profiles_and_ids_of_one_model_share_its_limit(nowhere: Connection, nudges: Nudges) -> None:
    limit(2)
    make_job(nowhere, status=Status.SUBMITTED, model_id=f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}")
    make_job(nowhere, status=Status.SCHEDULED, model_id=f"us.{MODEL}")
    make_job(nowhere)
    clock.tick()
    assert submissions(nudges) == []


def test_who_was_turned_away_holds_up_the_queue_behind(nowhere: Connection, nudges: Nudges) -> None:
    make_job(nowhere, error_code="ServiceQuotaExceededException", due_at=timezone.now() + timedelta(minutes=1))
    make_job(nowhere)
    clock.tick()
    assert submissions(nudges) == []


def test_who_was_turned_away_is_tried_alone(nowhere: Connection, nudges: Nudges) -> None:
    first = make_job(nowhere, error_code="ServiceQuotaExceededException")
    make_job(nowhere)
    clock.tick()
    assert submissions(nudges) == [first.pk]


def test_an_ended_job_brings_forward_who_waits_for_the_quota(nowhere: Connection, nudges: Nudges) -> None:
    later = timezone.now() + timedelta(minutes=9)
    job = make_job(nowhere, error_code="ServiceQuotaExceededException", due_at=later)
    BatchJob.bring_forward(nowhere.pk, MODEL)
    clock.tick()
    assert submissions(nudges) == [job.pk]


def test_a_disabled_connection_rests(nowhere: Connection, nudges: Nudges) -> None:
    make_job(nowhere)
    make_job(nowhere, status=Status.CHECKING)
    Connection.objects.update(is_enabled=False, sync_due_at=timezone.now())
    assert clock.tick() == 0


def test_nothing_is_claimed_for_a_disabled_connection(nowhere: Connection) -> None:
    job = make_job(nowhere)
    Connection.objects.update(is_enabled=False)
    assert not claim(job)


@pytest.mark.parametrize(
    ("status", "task"),
    [
        (Status.CHECKING, "check_input"),
        (Status.SUBMITTING, "submit"),
        (Status.SCHEDULED, "stop_cancelled"),
        (Status.COMPLETED, "collect_results"),
        (Status.FAILED, "collect_results"),
    ],
)
def test_each_state_has_its_step(nowhere: Connection, nudges: Nudges, status: Status, task: str) -> None:
    job = make_job(nowhere, status=status, results=BatchJob.Results.PENDING)
    clock.tick()
    assert nudges == [(task, job.pk)]


def test_what_is_not_due_waits(nowhere: Connection) -> None:
    make_job(nowhere, status=Status.CHECKING, due_at=timezone.now() + timedelta(minutes=1))
    make_job(nowhere, status=Status.IN_PROGRESS, due_at=None)
    assert clock.tick() == 0


@pytest.mark.parametrize(("status", "task"), [(Status.QUEUED, "submit"), (Status.CHECKING, "check_input")])
def test_a_clock_set_back_an_hour_keeps_nothing_waiting(
    nowhere: Connection, nudges: Nudges, status: Status, task: str
) -> None:
    job = make_job(nowhere, status=status, due_at=timezone.now() + timedelta(hours=1))
    clock.tick(timezone.now())
    assert (task, job.pk) in nudges


def test_a_clock_set_back_an_hour_holds_up_no_queue(nowhere: Connection, nudges: Nudges) -> None:
    due_at = timezone.now() + timedelta(hours=1)
    turned_away = make_job(nowhere, error_code="ThrottlingException", due_at=due_at)
    make_job(nowhere)
    clock.tick(timezone.now())
    assert submissions(nudges) == [turned_away.pk]


def test_limits_that_are_read_once_a_day_are_not_read_before(nowhere: Connection, nudges: Nudges) -> None:
    Connection.objects.update(limits_due_at=timezone.now() + timedelta(hours=23))
    clock.tick(timezone.now())
    assert "refresh_limits" not in [task for task, _ in nudges]


def test_a_sync_is_handed_out_once(nowhere: Connection, nudges: Nudges) -> None:
    Connection.objects.update(sync_due_at=timezone.now())
    at_once(*[clock.tick] * 4)
    assert nudges == [("sync", nowhere.pk)]


def test_one_job_is_claimed_once(nowhere: Connection) -> None:
    job = make_job(nowhere)
    found = at_once(*[lambda: claim(BatchJob.objects.get(pk=job.pk)) is not None] * 4)
    assert sorted(map(str, found)) == ["False", "False", "False", "True"]
    assert job.events.filter(verb=Verb.CLAIMED).count() == 1


def test_the_last_place_is_given_once(nowhere: Connection) -> None:
    limit(1)
    jobs = [make_job(nowhere) for _ in range(4)]
    found = at_once(*[lambda job=job: claim(job) is not None for job in jobs])
    assert sorted(map(str, found)) == ["False", "False", "False", "True"]
    assert BatchJob.objects.filter(status=Status.SUBMITTING).count() == 1


def test_a_claim_is_not_taken_over_while_it_is_young(nowhere: Connection) -> None:
    job = make_job(nowhere)
    assert claim(job)
    assert not claim(job)


def test_a_stale_claim_is_taken_over_once(nowhere: Connection) -> None:
    job = make_job(nowhere)
    lease = claim(job)
    assert lease
    die(lease)
    found = at_once(*[lambda: claim(BatchJob.objects.get(pk=job.pk)) is not None] * 4)
    assert sorted(map(str, found)) == ["False", "False", "False", "True"]


@pytest.mark.parametrize(
    ("code", "first", "longest"),
    [
        ("ThrottlingException", 5, 300),
        ("ServiceQuotaExceededException", 30, 600),
        ("EndpointUnreachable", 5, 60),
    ],
)
def test_pauses_grow_to_a_bound(code: str, first: int, longest: int) -> None:
    error = AwsError("No.", code=code, operation="CreateModelInvocationJob", retryable=True)
    assert first * 0.8 <= scheduling.pause(error, 1).total_seconds() <= first * 1.2
    assert longest * 0.8 <= scheduling.pause(error, 1000).total_seconds() <= longest * 1.2


def test_a_person_is_told_why_a_job_waits(nowhere: Connection) -> None:
    first, second = make_job(nowhere), make_job(nowhere)
    assert queue_places.why_waiting(second) == "Next in the queue."
    limit(1)
    make_job(nowhere, status=Status.IN_PROGRESS)
    assert queue_places.why_waiting(second) == "Model quota in use (1 of 1). 1 job ahead in the queue."
    first.message = "Too many requests."
    assert queue_places.why_waiting(first) == "Too many requests."


def test_who_waits_behind_a_job_that_aws_turned_away_is_told(nowhere: Connection) -> None:
    make_job(nowhere, error_code="ThrottlingException", due_at=timezone.now() + timedelta(minutes=1))
    told = queue_places.why_waiting(make_job(nowhere))
    assert told.startswith("AWS turned away another job for this model")
    assert told.endswith(" 1 job ahead in the queue.")


def test_who_finds_no_place_behind_others_is_not_told_to_be_next(nowhere: Connection) -> None:
    limit(2)
    jobs = [make_job(nowhere) for _ in range(3)]
    told = [queue_places.why_waiting(job) for job in jobs]
    assert told == ["Next in the queue."] * 2 + ["2 jobs ahead in the queue."]
