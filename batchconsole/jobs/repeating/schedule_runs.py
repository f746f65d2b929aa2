"""Schedules by rule: each planned time becomes a run once, and the run's row is written with the job.

1. The step looks for planned times since ``handled_until``. What was missed is run or skipped, as the schedule says.
2. Each planned time is settled in a transaction of its own: the run, its job, and the new ``handled_until``. A worker
   that dies before it commits leaves the time unsettled; after it, the run's row keeps it from being run again.
3. The step looks again at the next planned time, but within LOOK_AGAIN, so that a clock that is set forward or back
   neither loses nor repeats a run.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.account import account_id
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.leases import CONTROL, Lease, step
from batchconsole.jobs.models import Actor, BatchJob, Connection, Event, Schedule, ScheduleRun, Verb
from batchconsole.jobs.repeating.placeholders import Run
from batchconsole.jobs.repeating.schedule_jobs import (
    create_job_of_run,
    reason_of,
    require_owner,
    retry_later,
    stop_schedule,
    tell_failed,
)

LOOK_AGAIN = timedelta(minutes=15)  # less than leases.FARTHEST
ON_TIME = timedelta(minutes=15)  # a run that begins later than this was missed
MOST_CAUGHT_UP = 24
MOST_LISTED = 100  # planned times that get a row of their own after a long pause
MISSED = "Missed: the console did not run at this time."
AND_EARLIER = " Earlier ones were missed too."
Outcome = ScheduleRun.Outcome


@step(Schedule, queue=CONTROL, where=Q(kind=Schedule.Kind.RULE, is_active=True))
def run_schedule(schedule: Schedule, lease: Lease) -> None:
    """Settle the planned times that have come, oldest first."""
    now = timezone.now()
    account_id(schedule.connection)
    planned = schedule.cron_rule.between(min(schedule.handled_until, now), now, most=MOST_LISTED + 1)
    wanted = _wanted(schedule, planned, now)
    for at in reversed(planned[:MOST_LISTED]):
        is_oldest_of_many = len(planned) > MOST_LISTED and at == planned[MOST_LISTED - 1]
        reason = "" if at in wanted else f"{MISSED}{AND_EARLIER if is_oldest_of_many else ''}"
        if not _settle(schedule, lease, at, skip_reason=reason):
            return
    next_at = schedule.cron_rule.next_after(now)
    due_at = min(next_at, now + LOOK_AGAIN) if next_at else None
    lease.end(due_at=due_at, next_at=next_at, handled_until=now, failures=0, error=None)


run_schedule.on_failure(retry_later)


def _wanted(schedule: Schedule, planned: list[datetime], now: datetime) -> Collection[datetime]:
    """Return the planned times that are run; *planned* has the newest first."""
    most = {Schedule.Missed.EACH: MOST_CAUGHT_UP, Schedule.Missed.LATEST: 1, Schedule.Missed.SKIP: 0}
    on_time = [at for at in planned if now - at <= ON_TIME]
    return {*on_time, *planned[: most[Schedule.Missed(schedule.missed)]]}


def _settle(schedule: Schedule, lease: Lease, at: datetime, *, skip_reason: str) -> bool:
    """Run or skip the planned time *at*; return False if that has stopped the schedule. Raises LeaseLost."""
    with transaction.atomic():
        Connection.objects.lock(schedule.connection_id)
        if ScheduleRun.objects.filter(schedule=schedule, planned_at=at, by_hand=False).exists():
            lease.write(handled_until=at)
            return True
        run = ScheduleRun(schedule=schedule, planned_at=at, outcome=Outcome.SKIPPED, reason=skip_reason)
        stop_reason = "" if skip_reason else _run(run)
        run.save()
        lease.write(handled_until=at)
        if run.outcome != Outcome.CREATED:
            tell_failed(schedule)
        if stop_reason:
            stop_schedule(schedule, lease, stop_reason)
    return not stop_reason


def _run(run: ScheduleRun) -> str:
    """Create the job of *run* and note the outcome; return why the schedule must stop, or an empty string."""
    schedule = run.schedule
    try:
        require_owner(schedule)
    except NotAllowed as error:
        run.outcome, run.reason = Outcome.FAILED, reason_of(error)
        return run.reason
    try:
        run.job = _job(run)
    except (Invalid, UserError, ValueError) as error:
        run.outcome, run.reason = Outcome.FAILED, reason_of(error)
    else:
        run.outcome = Outcome.CREATED
    return ""


def _job(run: ScheduleRun) -> BatchJob:
    with transaction.atomic():  # a savepoint: a refused job leaves nothing, but its run is written
        return create_job_of_run(run.schedule, Run(run.planned_at.astimezone(run.schedule.tzinfo)))


def run_by_hand(schedule: Schedule, actor: Actor, *, token: str) -> ScheduleRun:
    """Run *schedule* now, in its owner's name, and return the run. A repeated *token* returns the earlier run."""
    with transaction.atomic():
        Connection.objects.lock(schedule.connection_id)
        before = ScheduleRun.objects.filter(schedule=schedule, request_token=token).first() if token else None
        if before is not None:
            return before
        now = timezone.now().replace(microsecond=0)
        run = ScheduleRun(schedule=schedule, planned_at=now, by_hand=True, request_token=token)
        _run(run)
        run.save()
        Event.objects.create(
            connection=schedule.connection,
            actor=actor,
            verb=Verb.SCHEDULE_RUN_REQUESTED,
            job=run.job,
            target=f"schedule {schedule.title}"[:255],
            data={"schedule_id": schedule.pk},
        )
    return run
