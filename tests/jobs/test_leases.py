"""The lease of a row and the step taken under it, with workers that die, come late, or fail at any moment."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import CONFIG
from batchconsole.counts import COUNTS, STEP_SECONDS
from batchconsole.jobs.clock import STEPS
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import CONTROL, HOLD, MOST_LOSSES, NUDGE, Failure, Lease, LeaseLost, Step, step
from batchconsole.jobs.lifecycle import submit
from batchconsole.jobs.models import BatchJob, Connection, Delivery, Notice
from tests.jobs.conftest import die, held, make_job
from tests.jobs.test_scheduling import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Do = Callable[[BatchJob, Lease], Any]


def a_step(do: Do = lambda job, lease: None) -> Step[BatchJob, Any]:
    return step(BatchJob, queue=CONTROL)(do)


SILENCE = timedelta(seconds=CONFIG.retries["total_max_attempts"] * (CONFIG.connect_timeout + CONFIG.read_timeout))
ASKS_AWS = [step for step in STEPS if step.model not in (Delivery, Notice)]


@pytest.mark.parametrize("step", ASKS_AWS, ids=lambda step: step.name)
def test_a_lease_outlasts_an_aws_that_hangs(step: Step[Any, Any]) -> None:
    assert step.hold > SILENCE


@pytest.fixture
def job(nowhere: Connection) -> BatchJob:
    return make_job(nowhere)


def is_soon(job: BatchJob, pause: timedelta) -> bool:
    """Whether *job* is due after *pause*, give or take a minute."""
    job.refresh_from_db()
    assert job.due_at
    return abs(job.due_at - timezone.now() - pause) < timedelta(minutes=1)


def test_it_works(job: BatchJob) -> None:
    seen: list[str] = []

    def note(job: BatchJob, lease: Lease) -> None:
        seen.append(job.lease)
        lease.end(due_at=None)

    a_step(note)(job)
    job.refresh_from_db()
    assert seen[0]
    assert (job.lease, job.losses, job.due_at) == ("", 0, None)


def test_one_of_many_takes_it(job: BatchJob) -> None:
    taken = at_once(*[lambda: a_step().take(BatchJob.objects.get(pk=job.pk)) is not None] * 4)
    assert sorted(map(str, taken)) == ["False", "False", "False", "True"]


def test_what_has_no_due_time_has_no_step(nowhere: Connection) -> None:
    assert a_step().take(make_job(nowhere, due_at=None)) is None


def test_a_step_that_says_nothing_is_tried_again_soon(job: BatchJob) -> None:
    a_step()(job)
    assert is_soon(job, NUDGE)


def test_a_worker_holds_it_for_a_while(job: BatchJob) -> None:
    held(a_step(), job)
    assert is_soon(job, HOLD)


def test_who_lost_the_row_writes_nothing(job: BatchJob) -> None:
    late = held(a_step(), job)
    die(late)
    held(a_step(), BatchJob.objects.get(pk=job.pk), message="of the second")
    writes: tuple[Callable[[], None], ...] = (
        lambda: late.write(message="of the first"),
        lambda: late.end(due_at=None, message="of the first"),
        late.check,
    )
    for write in writes:
        with pytest.raises(LeaseLost), transaction.atomic():
            write()
    late.give_back()
    job.refresh_from_db()
    assert (job.message, bool(job.lease)) == ("of the second", True)


def test_a_row_handed_out_anew_is_lost_to_its_first_worker(job: BatchJob) -> None:
    lease = held(submit, job)
    die(lease)
    assert submit.hand_out(job, timezone.now())
    with pytest.raises(LeaseLost):
        lease.write()


def test_a_failure_of_aws_goes_to_the_steps_own_handler(job: BatchJob) -> None:
    def fails(job: BatchJob, lease: Lease) -> None:
        raise AwsError("No.", code="Nope", operation="Anything")

    failing = a_step(fails)

    @failing.on_failure
    def note(job: BatchJob, lease: Lease, error: Failure) -> None:
        lease.end(due_at=None, message=error.message)

    assert failing(job) is None
    assert (job.message, job.lease) == ("No.", "")


@pytest.mark.parametrize(
    ("error", "handled", "outcome"),
    [
        (None, False, "done"),
        (UserError("No."), True, "failed"),
        (UserError("No."), False, "error"),
        (ValueError("No."), True, "error"),
        (LeaseLost(), False, "lost"),
    ],
)
def test_each_step_is_counted_with_its_outcome(
    job: BatchJob, error: Exception | None, handled: bool, outcome: str
) -> None:
    def counted_step(job: BatchJob, lease: Lease) -> None:
        if error:
            raise error

    counting = a_step(counted_step)
    if handled:
        counting.on_failure(lambda job, lease, error: None)
    COUNTS.forget()
    with suppress(UserError, ValueError):
        counting(job)
    told = {place[1:3] for place in COUNTS._waiting if place[0] == STEP_SECONDS.name}
    assert told == {("counted_step", outcome)}


@pytest.mark.parametrize("error", [UserError("No."), ValueError("No.")])
def test_a_failure_nobody_handles_keeps_the_row_for_a_while(job: BatchJob, error: Exception) -> None:
    def fails(job: BatchJob, lease: Lease) -> None:
        raise error

    with pytest.raises(type(error)):
        a_step(fails)(job)
    assert is_soon(job, HOLD)


def test_a_row_that_ends_its_workers_is_given_up(job: BatchJob) -> None:
    said: list[str] = []
    deadly = a_step()
    deadly.on_failure(lambda job, lease, error: said.append(error.code))
    for _ in range(MOST_LOSSES):
        die(held(deadly, job))
        assert not said
    deadly(job)
    assert said == ["WorkerLost"]


def test_losses_are_counted_whether_or_not_a_clock_saw_them(job: BatchJob) -> None:
    die(held(submit, job))
    assert submit.hand_out(job, timezone.now())
    die(held(submit, job))
    held(submit, job)
    assert job.losses == 2


def test_a_step_that_ended_well_forgets_the_losses(job: BatchJob) -> None:
    die(held(a_step(), job))
    a_step()(job)
    job.refresh_from_db()
    assert job.losses == 0


def test_what_is_not_due_is_not_looked_for_at_length(job: BatchJob) -> None:
    """The clock asks every second for every kind of step, and nearly always for nothing."""
    BatchJob.objects.update(due_at=None)
    with CaptureQueriesContext(database) as queries:
        assert list(a_step().due(timezone.now())) == []
    assert [query["sql"].startswith("SELECT 1 ") for query in queries] == [True]
