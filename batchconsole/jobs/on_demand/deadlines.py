"""Jobs past the deadline of their connection: their rest is requested on demand in the name of who created them.

A person who has set ``on_demand_after_hours`` has answered for all jobs of the connection what a page asks for one. All
else is as if the job's person had asked: rights, allowed places and models, budgets and approval. Each job is asked for
once; what is refused is told and left to people.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, Connection, Event, Status, Verb
from batchconsole.jobs.on_demand.costs import quote_of_rest
from batchconsole.jobs.on_demand.creating import request_rest
from batchconsole.jobs.warnings import NOT_BEGUN, TIMES_USUAL, usual_durations

logger = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(minutes=5)
LOOKED_AT = 200  # jobs, the oldest first
ASKED = (Verb.ON_DEMAND_REQUESTED, Verb.DEADLINE_PASSED, Verb.DEADLINE_REFUSED)


@step(Connection, queue=SCAN, prefix="on_demand_", where=Q(on_demand_after_hours__isnull=False))
def take_over_late_jobs(connection: Connection, lease: Lease) -> None:
    """Request the rest of each job that is past the deadline, once; look again soon."""
    now = timezone.now()
    jobs = late_jobs(connection, now)[:LOOKED_AT]
    usual = usual_durations((job.connection_id, job.base_model_id) for job in jobs)
    for job in jobs:
        lease.write()
        if not _takes_that_long(job, now, usual.get((job.connection_id, job.base_model_id))):
            _take_over(job, lease)
    lease.end(due_at=timezone.now() + LOOK_AGAIN)


@take_over_late_jobs.on_failure
def _look_later(connection: Connection, lease: Lease, error: Failure) -> None:
    logger.warning("Late jobs of %s can't be looked for: %s", connection, error)
    lease.end(due_at=timezone.now() + LOOK_AGAIN)


def late_jobs(connection: Connection, now: datetime) -> QuerySet[BatchJob]:
    """Return the jobs on AWS past the deadline of *connection* whose rest nobody has requested, the oldest first.

    A job without a person is left alone, as nobody answers for its cost.
    """
    if connection.on_demand_after_hours is None:
        return BatchJob.objects.none()
    then = now - timedelta(hours=connection.on_demand_after_hours)
    has_not_begun = Q(status__in=NOT_BEGUN, submit_time__lte=then)
    moved = Q(last_modified_time__lte=then) | Q(last_modified_time=None, status_changed_at__lte=then)
    asked = Event.objects.filter(job=OuterRef("pk"), verb__in=ASKED)
    jobs: QuerySet[BatchJob] = BatchJob.objects.filter(
        has_not_begun | Q(moved, status=Status.IN_PROGRESS),
        ~Exists(asked),
        connection=connection,
        lane=BatchJob.Lane.BATCH,
        created_by__isnull=False,
    )
    return jobs.select_related("connection", "created_by").order_by("submit_time", "id")


def note_on(job: BatchJob, events: Iterable[Event]) -> str:
    """Return what its connection's deadline means for *job*, which has a warning and *events*; empty if nothing."""
    hours = job.connection.on_demand_after_hours
    told = {event.verb: event for event in events if event.verb in ASKED}
    if refusal := told.get(Verb.DEADLINE_REFUSED):
        return f"It is past its deadline, but can't go on on demand: {refusal.data.get('message', '')}"
    if hours is None or told or job.created_by_id is None:
        return ""
    plural = "" if hours == 1 else "s"
    return f"Once it makes no progress for {hours} hour{plural}, it is stopped and the rest is sent on demand."


def _takes_that_long(job: BatchJob, now: datetime, usual: timedelta | None) -> bool:
    """Whether jobs of its model, which take *usual*, often stand still for as long as *job* has."""
    if job.status != Status.IN_PROGRESS:
        return False
    moved_at = job.last_modified_time or job.status_changed_at
    return usual is not None and now - moved_at < TIMES_USUAL * usual


def _take_over(job: BatchJob, lease: Lease) -> None:
    """Request the rest of *job*, or say why not. Raises LeaseLost, and AwsError if the same may befall other jobs."""
    try:
        _request(job, lease)
    except AwsError as error:
        if error.retryable:
            raise
        logger.warning("The rest of late job %s is requested later: %s", job.pk, error)
    except UserError as error:
        with transaction.atomic():
            Connection.objects.lock(job.connection_id)
            lease.check()
            data = {"message": error.message, "hint": error.hint}
            job.record(Verb.DEADLINE_REFUSED, data={name: text for name, text in data.items() if text})


def _request(job: BatchJob, lease: Lease) -> None:
    usd_at_most = quote_of_rest(job).usd_at_most
    with transaction.atomic():
        connection = Connection.objects.lock(job.connection_id)
        lease.check()
        # While the cost was computed, the job may have gone on, or a person may have asked, or changed the deadline.
        late = late_jobs(connection, timezone.now()).filter(pk=job.pk).first()
        if late is not None:
            data = {"hours": connection.on_demand_after_hours}
            request_rest(late, late.created_by, usd_at_most=usd_at_most, verb=Verb.DEADLINE_PASSED, data=data)
