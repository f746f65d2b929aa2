"""The verbs on one job, such as create, submit, stop and cancel. Each takes a row and the acting user."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import reports
from batchconsole.jobs.costs.spending import Judgement, require_budget
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.leases import CONTROL, NUDGE, Failure, Lease, step
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    LIVE,
    Actor,
    BatchJob,
    Connection,
    IllegalTransition,
    MadeInput,
    OnDemandRun,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.on_demand.order import Order
from batchconsole.jobs.queue import scheduling, waiting
from batchconsole.jobs.rights.access import (
    require,
    require_model,
    require_model_of_role,
    require_on_job,
    require_places,
    require_service_role,
)
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.signals import nudge

logger = logging.getLogger(__name__)

# AWS needs some seconds to know a new role; the same request is attempted this many times.
ROLE_ATTEMPTS = 6
BEING_SUBMITTED = "The job is being submitted at this moment."
IN_A_MOMENT = "Try again in a few seconds."

# In the event of a job that is held because it is not allowed any more: why.
NOT_ALLOWED = "not_allowed"


class Chosen(TypedDict, total=False):
    """What may be chosen for a new job besides its request.

    With ``caller_token``, a client can ask for the same job again. The job is not submitted before ``start_at``.
    """

    check_input: bool
    clone_of: BatchJob | None
    caller_token: str
    start_at: datetime | None


def create_job(
    *,
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    resend_of: BatchJob | None = None,
    on_demand: Order | None = None,
    is_nudged: bool = True,
    is_locked: bool = False,
    **more: Unpack[Chosen],
) -> BatchJob:
    """Save a job to be checked or submitted soon. This makes no call to AWS, so nothing can get lost.

    A *request* without a client request token gets a new one. A person has to approve the job first if its connection
    or a budget requires that. With *on_demand*, AWS gets no job of it: a worker sends its records one by one. A caller
    that submits the job itself passes ``is_nudged=False``, so that no worker does the same. One that holds the
    connection's lock, in a transaction that an error here ends, passes ``is_locked=True``. Raises NotAllowed.
    """
    _require_creating(connection, actor, request=request, resend_of=resend_of)
    with nullcontext() if is_locked else _lock(connection):
        judgement, lane = _judged(connection, actor, request, on_demand)
        job = BatchJob(
            connection=connection,
            lane=lane,
            created_by=actor,
            status=Status.CHECKING if more.get("check_input") else Status.QUEUED,
            estimate_usd=judgement.usd_at_most,
            resend_of=resend_of,
            **more,
            **{name: value for name, value in request.as_fields().items() if value},
        )
        _save_new(job, actor, above_budget=judgement.above, on_demand=on_demand)
        if is_nudged:
            nudge("check_input" if job.check_input else job.sending_step, job.pk)
    return job


def _judged(
    connection: Connection, actor: Actor, request: JobRequest, on_demand: Order | None
) -> tuple[Judgement, BatchJob.Lane]:
    """Judge a new job by the budgets; return its lane too. Raises NotAllowed."""
    if on_demand is None:
        return require_budget(connection, actor, request), BatchJob.Lane.BATCH
    lane = BatchJob.Lane.ON_DEMAND
    return require_budget(connection, actor, request, usd_at_most=on_demand.usd_at_most, lane=lane), lane


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        yield


def _save_new(job: BatchJob, actor: Actor, *, above_budget: str, on_demand: Order | None) -> None:
    """Save *job* with the first events of its trail; hold it if its connection or a budget requires approval."""
    job.save()
    if on_demand:
        OnDemandRun.objects.create(job=job, record_limit=on_demand.record_limit, takes_over=on_demand.takes_over)
    if job.resend_of:
        job.merges.set(merged_in(job))
    data = {"lane": str(job.lane)} if on_demand else {}
    job.record(Verb.CREATED, actor=actor, data=data, to_status=job.status)
    if above_budget or waiting.needs_approval(job, actor):
        waiting.ask_approval(job, budget=above_budget)


def _require_creating(connection: Connection, actor: Actor, *, request: JobRequest, resend_of: BatchJob | None) -> None:
    require(actor, Right.SUBMIT, connection)
    if resend_of:
        require_on_job(actor, resend_of)
    require_input(connection, request.input_s3_uri)
    require_places(connection, output=request.output_s3_uri)
    require_model(connection, request.model_id)
    require_service_role(connection, request.role_arn)
    require_model_of_role(actor, connection, request.model_id, right=Right.SUBMIT)


def hold_if_not_allowed(job: BatchJob) -> None:
    """Hold *job* for approval if it waited for a time or a person, and its creator may not create it any more.

    A person who approves it vouches for the creator, not for what its connection allows nobody.
    """
    if job.status != Status.QUEUED or job.is_held or job.is_to_start_later:
        return
    holds = list(job.events.filter(verb__in=(Verb.HELD, Verb.APPROVAL_ASKED)).values_list("data", flat=True))
    if job.start_at is None and not holds:
        return
    actor = None if any(NOT_ALLOWED in data for data in holds) else job.created_by
    try:
        _require_creating(job.connection, actor, request=job.request, resend_of=job.resend_of)
    except NotAllowed as error:
        why = f"{job.created_by or 'Nobody'} may not create this job any more: {error.message}"
        with transaction.atomic():
            Connection.objects.lock(job.connection_id)
            waiting.ask_approval(job, **{NOT_ALLOWED: why})


def merged_in(job: BatchJob) -> set[BatchJob]:
    """Return the jobs whose records are in the input of *job*, besides those of the job that it resends."""
    if job.resend_of is None:
        return set()
    made = MadeInput.objects.filter(resend_of=job.resend_of, output_s3_uri=job.input_s3_uri).first()
    merged = set(made.merges.all()) if made else set()
    if made and job.resend_of.merges.exists():
        merged |= {job.resend_of.resend_of, *job.resend_of.merges.all()} - {None}
    return merged


@step(
    BatchJob,
    queue=CONTROL,
    where=Q(status__in=[Status.QUEUED, Status.SUBMITTING], lane=BatchJob.Lane.BATCH),
    rows_due=scheduling.submissions_due,
)
def submit(job: BatchJob, lease: Lease) -> None:
    """Submit *job* if its model's limit has room; otherwise it stays in the queue.

    1. Hold it if it waited long and is not allowed any more.
    2. Take a place. After a crash from here on, the job stays ``Submitting`` and is taken over with the same token.
    3. Call AWS. With the same token, a second call returns the ARN of the first.
    4. Store the ARN, or requeue the job, or end it with AWS's message.
    """
    hold_if_not_allowed(job)
    if not scheduling.take_place(job, lease):
        return
    try:
        arn = bedrock.create_model_invocation_job(job.connection.target, job.request)
    except AwsError as error:
        _not_accepted(job, lease, error)
    else:
        _accepted(job, arn)


def _accepted(job: BatchJob, arn: str) -> None:
    """Store the ARN. It is valid even if this worker has lost its lease meanwhile."""
    with transaction.atomic():
        row = job.locked()
        if row.job_arn:  # Sync was faster and found the job by its token.
            return
        # A job that was cancelled while AWS answered is due to be stopped.
        due_at = timezone.now() if row.status == Status.CANCELLED else None
        row.transition(
            Status.SUBMITTED,
            verb=Verb.SUBMITTED,
            data={"job_arn": arn},
            job_arn=arn,
            submit_time=timezone.now(),
            due_at=due_at,
            message="",
            error_code="",
            hint="",
        )
        Connection.objects.sync_soon(job.connection_id)
    job.status, job.job_arn = row.status, row.job_arn


def _not_accepted(job: BatchJob, lease: Lease, error: AwsError) -> None:
    said: dict[str, Any] = {"message": error.message, "error_code": error.code, "hint": error.hint}
    data = {"code": error.code, "message": error.message}
    try:
        with transaction.atomic():
            Connection.objects.lock(job.connection_id)
            lease.check()
            if error.retryable or _is_new_role(job, error):
                due_at = timezone.now() + scheduling.pause(error, job.attempts)
                job.transition(Status.QUEUED, verb=Verb.REQUEUED, data=data, due_at=due_at, **said)
            else:
                job.transition(Status.SUBMIT_FAILED, verb=Verb.SUBMIT_FAILED, data=data, **said)
    except IllegalTransition:
        logger.info("Job %s went on while AWS said %s to an earlier attempt.", job.pk, error.code)


def _is_new_role(job: BatchJob, error: AwsError) -> bool:
    """Whether the role may be too new: IAM needs some seconds until AWS can assume a new role everywhere."""
    text = error.message.lower()
    return "assume" in text and "role" in text and job.attempts < ROLE_ATTEMPTS


def stop(job: BatchJob, actor: Actor = None, *, data: dict[str, Any] | None = None) -> None:
    """Stop *job* in any state; a job that has ended is left unchanged. *data* goes into its event.

    Raises
    ------
    UserError
        The job is being submitted at this moment, or *actor* may not stop it (NotAllowed).
    AwsError
        AWS refused or could not be reached.
    """
    require_on_job(actor, job)
    job.refresh_from_db()
    if job.status in {Status.CHECKING, Status.QUEUED}:
        cancel(job, actor, data=data)
    elif job.status == Status.SUBMITTING:
        raise UserError(BEING_SUBMITTED, hint=IN_A_MOMENT)
    elif job.is_on_demand and job.status == Status.IN_PROGRESS:
        _stop_sending(job, actor, data)
    elif job.status in LIVE - {Status.STOPPING}:
        _stop_on_aws(job, actor, data)


def _stop_sending(job: BatchJob, actor: Actor, data: dict[str, Any] | None) -> None:
    """Ask the worker that sends the records of *job* to stop, or the next one if none does at the moment."""
    with transaction.atomic():
        row = job.locked()
        if row.status != Status.IN_PROGRESS:
            return
        row.transition(Status.STOPPING, verb=Verb.STOP_REQUESTED, actor=actor, data=data)
        # The due time of a row that a worker holds is the end of its lease.
        BatchJob.objects.filter(pk=job.pk, lease="").update(due_at=timezone.now())
        nudge(job.sending_step, job.pk)
    job.refresh_from_db()


# Sync follows live jobs; one has a step of its own only if it was cancelled here but reached AWS all the same.
@step(BatchJob, queue=CONTROL, where=Q(status__in=LIVE - {Status.STOPPING}, lane=BatchJob.Lane.BATCH))
def stop_cancelled(job: BatchJob, lease: Lease) -> None:
    """Stop on AWS a job that was cancelled here during its submission; leave any other job alone."""
    if job.events.filter(verb=Verb.CANCELLED).exists():
        stop(job)
    else:
        lease.end(due_at=None)


@stop_cancelled.on_failure
def _not_stopped(job: BatchJob, lease: Lease, error: Failure) -> None:
    logger.warning("Job %s could not be stopped: %s", job.pk, error)
    lease.end(due_at=timezone.now() + NUDGE)


def cancel(job: BatchJob, actor: Actor = None, *, data: dict[str, Any] | None = None) -> None:
    """Take *job* out of the queue. Raises NotAllowed, and :class:`UserError` if the job has just left the queue."""
    require_on_job(actor, job)
    try:
        job.transition(
            Status.CANCELLED,
            verb=Verb.CANCELLED,
            actor=actor,
            data=data,
            message="",
            error_code="",
            hint="",
        )
    except IllegalTransition as error:
        raise UserError(BEING_SUBMITTED, hint=IN_A_MOMENT) from error
    input_checks.leave_check(job)


def _stop_on_aws(job: BatchJob, actor: Actor, data: dict[str, Any] | None) -> None:
    """Stop the job on AWS; the request is recorded first, so it leaves a trail even if the worker dies."""
    arn = str(job.job_arn)
    _record_stop_request(job, actor, data)
    try:
        bedrock.stop_model_invocation_job(job.connection.target, arn)
    except AwsError as error:
        if error.code not in {"ValidationException", "ConflictException"}:
            raise
        # The job has ended, or another process is stopping it. If AWS's state confirms that, it counts; else raise.
        reports.apply(job, bedrock.get_model_invocation_job(job.connection.target, arn))
        if job.status not in ENDED_ON_AWS | {Status.STOPPING}:
            raise
        return
    with transaction.atomic():
        row = job.locked()
        if Status.STOPPING in row.NEXT[row.status]:  # unless sync has already seen the end
            row.transition(Status.STOPPING, verb=Verb.REPORTED, due_at=None)
        Connection.objects.sync_soon(job.connection_id)
    job.refresh_from_db()


def _record_stop_request(job: BatchJob, actor: Actor, data: dict[str, Any] | None) -> None:
    """Add the request to the trail, unless it repeats the request of the same bulk action."""
    earlier = job.events.filter(verb=Verb.STOP_REQUESTED)
    if data is None or all(event.data != data for event in earlier):
        job.record(Verb.STOP_REQUESTED, actor=actor, data=data)


def bring_back(job: BatchJob, to: str, **changes: Any) -> None:
    """Let a rejected *job* transition *to* another state, if its creator may create it today.

    Rules, roles and budgets may have changed since it was created. It is held if it needs approval. The caller holds
    the connection's lock; *changes* are those of ``BatchJob.transition``. Raises NotAllowed and IllegalTransition.
    """
    _require_creating(job.connection, job.created_by, request=job.request, resend_of=job.resend_of)
    judgement = require_budget(job.connection, job.created_by, job.request, lane=job.lane)
    job.transition(to, estimate_usd=judgement.usd_at_most, **changes)
    if judgement.above or waiting.needs_approval(job, job.created_by):
        waiting.ask_approval(job, budget=judgement.above)


def release(job: BatchJob, actor: Actor) -> None:
    """Queue a job without its input check, or in spite of it. Raises NotAllowed and :class:`UserError`."""
    require_on_job(actor, job)
    try:
        with transaction.atomic():
            Connection.objects.lock(job.connection_id)
            job.refresh_from_db()
            if job.status not in {Status.CHECKING, Status.REJECTED}:
                raise IllegalTransition("Only an input check can be skipped.")
            change = bring_back if job.status == Status.REJECTED else BatchJob.transition
            change(
                job,
                Status.QUEUED,
                verb=Verb.RELEASED,
                actor=actor,
                due_at=timezone.now(),
                message="",
                error_code="",
                hint="",
            )
            nudge("submit", job.pk)
        input_checks.leave_check(job)
    except IllegalTransition as error:
        raise UserError(f"The job is {job.status}, so it can't be queued.") from error
