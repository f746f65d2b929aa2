"""A job's place in the queue and why it waits, for people to read. Only reads rows and never calls AWS."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.leases import is_not_due
from batchconsole.jobs.limits import limits_of
from batchconsole.jobs.models import BatchJob, Status
from batchconsole.jobs.querysets import COUNT_LIMIT
from batchconsole.jobs.states import IN_QUEUE

# Jobs that wait for a person to release them; a condition of the list's filter.
HELD = Q(held_at__isnull=False, status__in=IN_QUEUE)
HELD_TITLE = "Held"
TURNED_AWAY = "AWS turned away another job for this model; the queue waits until it is tried again."


class Queue:
    """The current queue of one model; each part is queried once, when it is first needed."""

    def __init__(self, connection_id: int, base_model_id: str) -> None:
        self.of = (connection_id, base_model_id)
        self.ready = BatchJob.objects.ready(*self.of, timezone.now())

    @cached_property
    def places(self) -> dict[int, int]:
        """The number of jobs ahead of each job that is ready to submit; empty if the queue is too long."""
        if self.is_long:
            return {}
        return {key: place for place, key in enumerate(self.ready.values_list("pk", flat=True))}

    @cached_property
    def is_long(self) -> bool:
        return self.ready.bounded_count() > COUNT_LIMIT

    @cached_property
    def limit(self) -> int:
        return limits_of(*self.of).jobs_at_once

    @cached_property
    def live(self) -> list[str]:
        """The origin of each job that counts toward the limit."""
        return list(BatchJob.objects.occupying(*self.of).order_by().values_list("origin", flat=True))

    @cached_property
    def rests(self) -> bool:
        """Whether the queue pauses because AWS turned a job away, which is tried again before all others."""
        return self.ready.filter(is_not_due(timezone.now())).exclude(error_code="").order_by().exists()

    def why(self, job: BatchJob) -> str:
        """Return why *job*, which is not held and whose start time has come, has not been submitted yet."""
        ahead = COUNT_LIMIT + 1 if self.is_long else self.places.get(job.pk, 0)
        if len(self.live) >= self.limit:
            return f"Model quota in use ({self._taken}). {_place(ahead)}"
        if ahead and self.rests:
            return f"{TURNED_AWAY} {_place(ahead)}"
        return _place(ahead if ahead >= self.limit - len(self.live) else 0)

    @property
    def _taken(self) -> str:
        """``20 of 20, 3 by others in the account``."""
        elsewhere = self.live.count(BatchJob.Origin.IMPORTED)
        return f"{len(self.live)} of {self.limit}" + (f", {elsewhere} by others in the account" if elsewhere else "")


def why_waiting(job: BatchJob) -> str:
    """Return a sentence that says why *job* has not been submitted yet; empty if it is not in the queue."""
    return why_each_waits([job]).get(job.pk, "")


def why_each_waits(jobs: Iterable[BatchJob]) -> dict[int, str]:
    """Return why each of *jobs* in the queue waits, by key; each model's queue is queried once."""
    queues: dict[tuple[int, str], Queue] = {}
    reasons = {}
    for job in jobs:
        reason = _own_reason(job)
        if not reason and job.is_on_demand and job.status == Status.QUEUED:
            reason = "Waits for a worker."
        if not reason and job.status == Status.QUEUED:
            of = (job.connection_id, job.base_model_id)
            if of not in queues:
                queues[of] = Queue(*of)
            reason = queues[of].why(job)
        if reason:
            reasons[job.pk] = reason
    return reasons


def _own_reason(job: BatchJob) -> str:
    """Return the reason of *job* itself to wait, regardless of its place in the queue."""
    if job.is_held:
        return "Waits for approval." if job.awaits_approval else f"Held{_by(job)}."
    if job.start_at is not None and job.is_to_start_later:
        return f"Starts at {_moment(job.start_at)}."
    return job.message if job.status == Status.QUEUED else ""


def _by(job: BatchJob) -> str:
    return f" by {job.held_by}" if job.held_by else ""


def _moment(value: datetime) -> str:
    """Return the time as ``2026-12-01, 08:00 (UTC+01:00)`` in the reader's time zone."""
    local = timezone.localtime(value)
    offset = local.isoformat()[-6:] if local.utcoffset() else ""
    return f"{local:%Y-%m-%d, %H:%M} (UTC{offset})"


def _place(ahead: int) -> str:
    """Return a sentence about the place of a job with *ahead* jobs before it; there is no exact count above a limit."""
    if not ahead:
        return "Next in the queue."
    if ahead > COUNT_LIMIT:
        return f"More than {COUNT_LIMIT:,} jobs are in the queue."
    return f"{ahead:,} job{'' if ahead == 1 else 's'} ahead in the queue."
