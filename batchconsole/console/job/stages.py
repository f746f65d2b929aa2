"""A job's progress through its states: when it entered each stage and how long each took."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from batchconsole.jobs.models import BatchJob, Event
from batchconsole.jobs.states import Status

WAY = (Status.QUEUED, Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED, Status.IN_PROGRESS)
ENDS = {
    Status.COMPLETED: "done",
    Status.PARTIALLY_COMPLETED: "warning",
    Status.STOPPED: "stopped",
    Status.CANCELLED: "stopped",
}


@dataclass(frozen=True)
class Stage:
    """One stage of a job.

    ``state`` is done, current, ahead, skipped or unreached; the last stage may also be warning, stopped or error.
    A skipped stage was passed at an unknown time; an unreached one had not started when the job ended.
    """

    title: str
    state: str
    at: datetime | None = None
    lasted: timedelta | None = None


@dataclass(frozen=True)
class Pace:
    """The speed of a running job, and when it is likely to end."""

    per_minute: float
    left: timedelta
    ends_at: datetime

    @property
    def rate(self) -> str:
        """``50 records per minute``, or records per hour for a slow job."""
        count, unit = (self.per_minute, "minute") if self.per_minute >= 1 else (self.per_minute * 60, "hour")
        return f"{count:,.0f} record{'' if round(count) == 1 else 's'} per {unit}"


def stages(job: BatchJob, events: Iterable[Event]) -> list[Stage]:
    """Return the stages of *job* in order, the end last. A stage without a time is skipped, ahead or unreached."""
    entered = times_entered(job, events)
    way = [*([Status.CHECKING] if job.check_input else []), *WAY]
    if job.status == Status.STOPPING or Status.STOPPING in entered:
        way.append(Status.STOPPING)
    return [*steps(job, way, entered), end(job)]


def times_entered(job: BatchJob, events: Iterable[Event]) -> dict[str, datetime]:
    """Return when each status was first reached, according to the audit trail and AWS."""
    entered: dict[str, datetime] = {}
    for event in sorted(events, key=lambda event: event.at):
        if event.to_status and event.to_status != event.from_status:
            entered.setdefault(event.to_status, event.at)
    first = Status.CHECKING if job.check_input else Status.QUEUED
    if job.origin == BatchJob.Origin.CONSOLE:
        entered.setdefault(first, job.created_at)
    if job.submit_time:
        entered.setdefault(Status.SUBMITTED, job.submit_time)
    return entered


def steps(job: BatchJob, way: list[Status], entered: dict[str, datetime]) -> Iterator[Stage]:
    here = Status.QUEUED if job.status == Status.SUBMITTING else job.status
    reached = [status for status in way if status in entered]
    current = way.index(Status(here)) if here in way else -1
    for number, status in enumerate(way):
        later = [entered[after] for after in reached if way.index(after) > number]
        if status == here:
            yield Stage(status.label, "current", entered.get(status))
        elif status in entered:
            until = later[0] if later else job.ended_at
            yield Stage(status.label, "done", entered[status], until - entered[status] if until else None)
        else:
            yield Stage(status.label, _unseen(job, is_passed=bool(later) or number < current))


def _unseen(job: BatchJob, *, is_passed: bool) -> str:
    """Return the state of a stage without a time.

    A job that completed, or that ended with processed records, went through every stage.
    """
    if is_passed or job.status == Status.COMPLETED or (job.is_ended and job.processed_record_count):
        return "skipped"
    return "unreached" if job.is_ended else "ahead"


def end(job: BatchJob) -> Stage:
    if not job.is_ended:
        return Stage(Status.COMPLETED.label, "ahead")
    state = ENDS.get(Status(job.status), "error")
    return Stage(Status(job.status).label, state, job.ended_at)


def pace(job: BatchJob, entered: dict[str, datetime]) -> Pace | None:
    """Return the pace of a running job, or None if it can't be estimated yet."""
    started, done, total = entered.get(Status.IN_PROGRESS), job.processed_record_count, job.total_record_count
    if job.status != Status.IN_PROGRESS or not started or not done or not total:
        return None
    now = timezone.now()
    seconds = max((now - started).total_seconds(), 1)
    left = timedelta(seconds=(total - done) * seconds / done)
    return Pace(per_minute=done / seconds * 60, left=left, ends_at=now + left)
