"""A job's place in the queue and why it waits, for people to read. Only reads rows and never calls AWS."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.finding.querysets import COUNT_LIMIT, BatchJobQuerySet, Occupants
from batchconsole.jobs.leases import is_not_due
from batchconsole.jobs.models import BatchJob, Status
from batchconsole.jobs.queue.limits import limits_of_each
from batchconsole.jobs.states import IN_QUEUE

# Jobs that wait for a person to release them; a condition of the list's filter.
HELD = Q(held_at__isnull=False, status__in=IN_QUEUE)
HELD_TITLE = "Held"
NO_WORKER = "Waits for a worker."  # a job on demand needs no place on AWS
TURNED_AWAY = "AWS turned away another job for this model; the queue waits until it is tried again."


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The current queue of one model.

    ``places`` holds the number of jobs ahead of each job that is ready to submit; it is empty if the queue is too long
    to count. The queue rests while AWS has turned a job away, which is tried again before all others.
    """

    places: dict[int, int]
    is_long: bool
    rests: bool
    limit: int
    live: int
    live_elsewhere: int

    def why(self, job: BatchJob) -> str:
        """Return why *job*, which is not held and whose start time has come, has not been submitted yet."""
        ahead = COUNT_LIMIT + 1 if self.is_long else self.places.get(job.pk, 0)
        if self.live >= self.limit:
            return f"Model quota in use ({self._taken}). {_place(ahead)}"
        if ahead and self.rests:
            return f"{TURNED_AWAY} {_place(ahead)}"
        return _place(ahead if ahead >= self.limit - self.live else 0)

    @property
    def _taken(self) -> str:
        """``20 of 20, 3 by others in the account``."""
        elsewhere = f", {self.live_elsewhere} by others in the account" if self.live_elsewhere else ""
        return f"{self.live} of {self.limit}{elsewhere}"


def why_waiting(job: BatchJob) -> str:
    """Return a sentence that says why *job* has not been submitted yet; empty if it is not in the queue."""
    return why_each_waits([job]).get(job.pk, "")


def why_each_waits(jobs: Iterable[BatchJob]) -> dict[int, str]:
    """Return why each of *jobs* in the queue waits, by key; five queries for the queues of a connection."""
    reasons, queued = {}, []
    for job in jobs:
        if reason := _own_reason(job):
            reasons[job.pk] = reason
        elif job.status == Status.QUEUED and job.is_on_demand:
            reasons[job.pk] = NO_WORKER
        elif job.status == Status.QUEUED:
            queued.append(job)
    for connection_id in {job.connection_id for job in queued}:
        here = [job for job in queued if job.connection_id == connection_id]
        queues = _queues(connection_id, sorted({job.base_model_id for job in here}))
        reasons |= {job.pk: queues[job.base_model_id].why(job) for job in here}
    return reasons


def _queues(connection_id: int, models: list[str]) -> dict[str, Queue]:
    ready = BatchJob.objects.unheld_of_each(connection_id, models, timezone.now())
    limits = limits_of_each(connection_id, models)
    occupants = list(BatchJob.objects.occupants(connection_id, models))
    turned_away = set(_turned_away(ready).values_list("base_model_id", flat=True))
    waiting = _waiting_jobs(ready, models)
    found = {}
    for model in models:
        live, jobs = [each for each in occupants if each.model == model], waiting[model]
        found[model] = Queue(
            places=_places(jobs or (), live),
            is_long=jobs is None,
            rests=model in turned_away,
            limit=limits[model].jobs_at_once,
            live=sum(each.jobs for each in live),
            live_elsewhere=sum(each.jobs for each in live if each.origin == BatchJob.Origin.IMPORTED),
        )
    return found


def _turned_away(ready: BatchJobQuerySet) -> BatchJobQuerySet:
    return ready.filter(is_not_due(timezone.now())).exclude(error_code="").distinct()


def _waiting_jobs(ready: BatchJobQuerySet, models: list[str]) -> dict[str, list[Any] | None]:
    """Return the *ready* jobs of each model, oldest first; ``None`` for a queue that is too long to count."""
    if ready.bounded_count() > COUNT_LIMIT:
        if len(models) == 1:
            return dict.fromkeys(models)
        return {model: _waiting_jobs(ready.filter(base_model_id=model), [model])[model] for model in models}
    rows = ready.order_by("id").values_list("pk", "base_model_id", "priority", "created_by", named=True)
    found = list(rows)
    return {model: [job for job in found if job.base_model_id == model] for model in models}


def _places(jobs: Iterable[Any], live: list[Occupants]) -> dict[int, int]:
    """Return the number of jobs before each of *jobs*, in the order of ``BatchJobQuerySet.ready``."""
    before: Counter[int | None] = Counter()
    for each in live:
        before[each.person] += each.jobs
    earlier: Counter[tuple[int, int | None]] = Counter()
    order = []
    for job in jobs:
        of = (job.priority, job.created_by)
        earlier[of] += 1
        order.append((-job.priority, earlier[of] + before[job.created_by], job.pk))
    return {key: place for place, (_, _, key) in enumerate(sorted(order))}


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
