"""The queue in front of AWS's limits: who may be submitted, how long a failure makes wait, and why a job waits.

Reads and claims rows; never calls AWS.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.leases import Lease, is_due, is_not_due
from batchconsole.jobs.limits import limits_of
from batchconsole.jobs.models import BatchJob, Connection, Status, Verb
from batchconsole.jobs.querysets import COUNT_LIMIT

# The clock hands out at most so much of a kind at once; the next time is a second away.
BATCH = 200

# Back-off in seconds: the first pause and the longest.
THROTTLED = (5, 300)
QUOTA = (30, 600)
UNREACHABLE = (5, 60)


def submissions_due(now: datetime) -> Iterator[BatchJob]:
    """What may be submitted now: jobs whose worker was lost, and the heads of all queues."""
    enabled = BatchJob.objects.enabled()
    yield from enabled.filter(is_due(now), status=Status.SUBMITTING).order_by("due_at")
    for connection_id, base_model_id, _ in BatchJob.objects.queues():
        yield from _next_in_queue(connection_id, base_model_id, now)


def _next_in_queue(connection_id: int, base_model_id: str, now: datetime) -> list[BatchJob]:
    """The jobs at the head of one model's queue that may be tried now.

    While one that AWS turned away is waiting, so is the queue behind it; when its time comes it goes alone, to find out
    whether AWS takes jobs again.
    """
    queue = BatchJob.objects.queued(connection_id, base_model_id)
    if queue.filter(is_not_due(now)).exclude(error_code="").exists():
        return []
    free = free_places(connection_id, base_model_id)
    jobs = list(queue.filter(is_due(now))[: min(max(free, 0), BATCH)])
    return jobs[:1] if jobs and jobs[0].error_code else jobs


def free_places(connection_id: int, base_model_id: str) -> int:
    """How many more jobs of the model its limit admits now; negative when others took more than the limit."""
    live = BatchJob.objects.occupying(connection_id, base_model_id).count()
    return limits_of(connection_id, base_model_id).jobs_at_once - live


def may_go_now(job: BatchJob) -> bool:
    """Whether a queued *job* has nobody of its model before it, and a place that is free."""
    if job.status != Status.QUEUED:
        return False
    ahead = BatchJob.objects.queued(job.connection_id, job.base_model_id).filter(id__lt=job.pk)
    return not ahead.exists() and free_places(job.connection_id, job.base_model_id) > 0


def take_place(job: BatchJob, lease: Lease) -> bool:
    """Have *job* occupy a place of its model's limit; false when there is none, or *job* has left the queue.

    1. A queued job becomes ``Submitting``, counted in the same transaction as the live jobs it is measured against.
    2. A job that is ``Submitting`` already has its place: the worker that took it was lost.
    """
    with transaction.atomic():
        # PostgreSQL lets two transactions count the same last place at once; who holds the connection counts alone.
        connection = Connection.objects.lock(job.connection_id)
        job.refresh_from_db()
        job.connection = connection
        if job.status == Status.SUBMITTING:
            lease.write(attempts=job.attempts + 1)
            return True
        if job.status != Status.QUEUED:
            return False
        if not connection.is_enabled or free_places(job.connection_id, job.base_model_id) <= 0:
            lease.end(due_at=timezone.now())
            return False
        lease.check()
        job.transition(Status.SUBMITTING, verb=Verb.CLAIMED, attempts=job.attempts + 1)
    return True


def pause(error: AwsError, attempts: int) -> timedelta:
    """How long a job waits after AWS turned it away for now: longer each time, and never two jobs the same."""
    if error.is_throttling:
        first, longest = THROTTLED
    else:
        first, longest = QUOTA if error.is_quota else UNREACHABLE
    seconds = min(longest, first * 2 ** max(0, min(attempts, 20) - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def why_waiting(job: BatchJob) -> str:
    """One sentence for a person: why *job* has not been submitted yet; empty for a job that is not in the queue."""
    if job.status != Status.QUEUED:
        return ""
    if job.message:
        return job.message
    queue = BatchJob.objects.queued(job.connection_id, job.base_model_id)
    ahead = queue.filter(id__lt=job.pk).bounded_count()
    limit = limits_of(job.connection_id, job.base_model_id).jobs_at_once
    live = BatchJob.objects.occupying(job.connection_id, job.base_model_id).count()
    if live >= limit:
        return f"Model quota in use ({live} of {limit}). {_place(ahead)}"
    if ahead and queue.filter(is_not_due(timezone.now())).exclude(error_code="").exists():
        return f"AWS turned away another job for this model; the queue waits until it is tried again. {_place(ahead)}"
    return _place(ahead if ahead >= limit - live else 0)


def _place(ahead: int) -> str:
    """Where in the queue a job is that has *ahead* jobs before it; counted up to a bound."""
    if not ahead:
        return "Next in the queue."
    count = f"More than {COUNT_LIMIT:,} jobs" if ahead > COUNT_LIMIT else f"{ahead:,} job{'' if ahead == 1 else 's'}"
    return f"{count} ahead in the queue."
