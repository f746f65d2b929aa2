"""The queue in front of AWS's limits: which jobs may be submitted, and how long to wait after a failure.

This reads and claims rows; it never calls AWS.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.leases import Lease, is_due, is_not_due
from batchconsole.jobs.models import BatchJob, Connection, Status, Verb
from batchconsole.jobs.queue.limits import limits_of

# The most rows of one kind that the clock hands out in one tick; the next tick is a second away.
BATCH = 200

# Back-off in seconds: the first pause and the longest.
THROTTLED = (5, 300)
QUOTA = (30, 600)
UNREACHABLE = (5, 60)


def submissions_due(now: datetime) -> Iterator[BatchJob]:
    """Yield the jobs that may be submitted now: those whose worker was lost, and the heads of all queues."""
    enabled = BatchJob.objects.enabled()
    yield from enabled.filter(is_due(now), status=Status.SUBMITTING).order_by("due_at")
    for connection_id, base_model_id, _ in BatchJob.objects.queues():
        yield from _next_in_queue(connection_id, base_model_id, now)


def _next_in_queue(connection_id: int, base_model_id: str, now: datetime) -> list[BatchJob]:
    """Return the jobs at the head of one model's queue that may be tried now.

    While a job that AWS turned away waits, the queue behind it waits too. When its time comes, one job goes alone, to
    find out whether AWS accepts jobs again.
    """
    free = free_places(connection_id, base_model_id)
    if free <= 0:
        return []
    queue = BatchJob.objects.ready(connection_id, base_model_id, now)
    turned_away = queue.exclude(error_code="").order_by()
    if turned_away.filter(is_not_due(now)).exists():
        return []
    return list(queue.filter(is_due(now))[: 1 if turned_away.exists() else min(free, BATCH)])


def free_places(connection_id: int, base_model_id: str) -> int:
    """Return how many more jobs the model's limit admits now; negative if the jobs on AWS exceed the limit."""
    live = BatchJob.objects.occupying(connection_id, base_model_id).count()
    return limits_of(connection_id, base_model_id).jobs_at_once - live


def may_go_now(job: BatchJob) -> bool:
    """Whether a new *job* may be submitted at once: it is alone in its model's queue, or first and a place is free.

    For a job that is alone, only :func:`take_place` counts the places.
    """
    if job.status != Status.QUEUED or job.is_held or job.is_to_start_later:
        return False
    queue, now = (job.connection_id, job.base_model_id), timezone.now()
    if not BatchJob.objects.unheld(*queue, now).exclude(pk=job.pk).order_by().exists():
        return True
    return BatchJob.objects.ready(*queue, now).first() == job and free_places(*queue) > 0


def _is_its_turn(job: BatchJob) -> bool:
    """Whether the free places suffice for *job* and the due jobs before it, and *job* is not held.

    Jobs before it that are not due are on their way to a worker.
    """
    free = free_places(job.connection_id, job.base_model_id)
    if free <= 0:
        return False
    now = timezone.now()
    queue = BatchJob.objects.ready(job.connection_id, job.base_model_id, now)
    due = queue.filter(is_due(now) & Q(lease="") | Q(pk=job.pk))
    return job.pk in due.values_list("pk", flat=True)[:free]


def take_place(job: BatchJob, lease: Lease) -> bool:
    """Let *job* take a place of its model's limit; return False if none is free or the job has left the queue.

    1. A queued job becomes ``Submitting``, in the same transaction that counts the live jobs against the limit.
    2. A job that is ``Submitting`` already has its place: the worker that took it was lost.
    """
    with transaction.atomic():
        # On PostgreSQL, two transactions could both count the same last place as free; the lock lets one count at a
        # time.
        connection = Connection.objects.lock(job.connection_id)
        job.refresh_from_db()
        job.connection = connection
        if job.status == Status.SUBMITTING:
            lease.write(attempts=job.attempts + 1)
            return True
        if job.status != Status.QUEUED:
            return False
        if not connection.is_enabled or not _is_its_turn(job):
            lease.end(due_at=timezone.now())
            return False
        lease.check()
        job.transition(Status.SUBMITTING, verb=Verb.CLAIMED, attempts=job.attempts + 1)
    return True


def pause(error: AwsError, attempts: int) -> timedelta:
    """Return how long a job waits after AWS turned it away: longer each time, with jitter so that jobs spread out."""
    if error.is_throttling:
        first, longest = THROTTLED
    else:
        first, longest = QUOTA if error.is_quota else UNREACHABLE
    seconds = min(longest, first * 2 ** max(0, min(attempts, 20) - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))
