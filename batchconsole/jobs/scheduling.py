"""The queue in front of AWS's limits: who may be submitted, and how long a failure makes wait.

Reads and claims rows; never calls AWS.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.leases import Lease, is_due, is_not_due
from batchconsole.jobs.limits import limits_of
from batchconsole.jobs.models import BatchJob, Connection, Status, Verb

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

    While one that AWS turned away is waiting, so is the queue behind it; when its time comes one job goes alone, to
    find out whether AWS takes jobs again.
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
    """How many more jobs of the model its limit admits now; negative when others took more than the limit."""
    live = BatchJob.objects.occupying(connection_id, base_model_id).count()
    return limits_of(connection_id, base_model_id).jobs_at_once - live


def may_go_now(job: BatchJob) -> bool:
    """Whether a queued *job* has nobody of its model before it, and a place that is free."""
    if job.status != Status.QUEUED:
        return False
    first = BatchJob.objects.ready(job.connection_id, job.base_model_id, timezone.now()).first()
    return first == job and free_places(job.connection_id, job.base_model_id) > 0


def _is_its_turn(job: BatchJob) -> bool:
    """Whether the places that are free reach to *job*: nobody holds it, and those before it that are due have one too.

    Who comes before it and is not due is on its way to a worker.
    """
    free = free_places(job.connection_id, job.base_model_id)
    if free <= 0:
        return False
    now = timezone.now()
    queue = BatchJob.objects.ready(job.connection_id, job.base_model_id, now)
    due = queue.filter(is_due(now) & Q(lease="") | Q(pk=job.pk))
    return job.pk in due.values_list("pk", flat=True)[:free]


def take_place(job: BatchJob, lease: Lease) -> bool:
    """Have *job* occupy a place of its model's limit; false when there is none for it, or it has left the queue.

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
        if not connection.is_enabled or not _is_its_turn(job):
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
