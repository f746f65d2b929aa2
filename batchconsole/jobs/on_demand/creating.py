"""Creating jobs on demand: from a request, or for what a batch job leaves unanswered."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import transaction

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import lifecycle
from batchconsole.jobs.cloning import name_of_resend
from batchconsole.jobs.creating import Invalid, known_job, token_of
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import FieldProblem, find_problems
from batchconsole.jobs.models import ENDED, LIVE, Actor, BatchJob, Connection, OnDemandRun, Right, Status, Verb
from batchconsole.jobs.on_demand.costs import quote, quote_of_rest
from batchconsole.jobs.on_demand.order import Order
from batchconsole.jobs.rights.access import require, require_on_job

# What a batch job needs, and one on demand does not: AWS reads and writes nothing for it.
UNUSED: dict[str, Any] = {"role_arn": "", "output_kms_key_id": "", "subnet_ids": (), "security_group_ids": ()}


def problems_of(connection: Connection, request: JobRequest) -> list[FieldProblem]:
    """Return the problems of *request* for a job on demand. Raises AwsError if the account is unknown."""
    return [each for each in find_problems(connection, request) if each.field not in UNUSED]


def create_on_demand_once(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    key: str = "",
    record_limit: int | None = None,
    resend_of: BatchJob | None = None,
) -> tuple[BatchJob, bool]:
    """Return the job on demand of *request* and whether it is new: a repeated *key* returns the one created with it.

    Raises Invalid, NotAllowed and AwsError, and :class:`UserError` if the key has created a different job.
    """
    require(actor, Right.SUBMIT, connection)
    known = _known(connection, actor, request, key=key, record_limit=record_limit)
    if known:
        return known, False
    _require_valid(connection, request)
    asked = {name: getattr(request, name) for name in ("input_s3_uri", "model_id", "model_invocation_type")}
    told = quote(connection, **asked, record_limit=record_limit)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        known = _known(connection, actor, request, key=key, record_limit=record_limit)
        if known:
            return known, False
        _require_valid(connection, request)
        made = lifecycle.create_job(
            connection=connection,
            actor=actor,
            request=request,
            resend_of=resend_of,
            on_demand=Order(record_limit=record_limit, usd_at_most=told.usd_at_most),
            is_locked=True,
            caller_token=token_of(key),
        )
    return made, True


def _known(
    connection: Connection, actor: Actor, request: JobRequest, *, key: str, record_limit: int | None
) -> BatchJob | None:
    known = known_job(connection, actor, request, key=key)
    if known and not OnDemandRun.objects.filter(job=known, record_limit=record_limit).exists():
        raise UserError("This Idempotency-Key has created another job.", hint="Send a key of its own with each job.")
    return known


def _require_valid(connection: Connection, request: JobRequest) -> None:
    problems = problems_of(connection, request)
    if problems:
        raise Invalid(problems)


def require_taking_over(job: BatchJob) -> None:
    """Raise :class:`UserError` unless AWS runs *job*, so that its rest can run on demand."""
    if job.is_on_demand or job.status not in LIVE - {Status.STOPPING}:
        raise UserError(f"{job.job_name} is not running on AWS.", hint="If it has ended, resend its records.")


def take_over(job: BatchJob, actor: Actor) -> BatchJob:
    """Create the job on demand that stops *job*, then sends what it left unanswered; a second call returns the first.

    The worker stops *job*, so nothing is lost if this process ends, and it is not stopped before a budget or a person
    has let the new job pass. Raises NotAllowed, :class:`UserError` and AwsError.
    """
    require_on_job(actor, job)
    if (known := _taken_over(job)) is not None:
        return known
    require_taking_over(job)
    usd_at_most = quote_of_rest(job).usd_at_most
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        job.refresh_from_db()
        if (known := _taken_over(job)) is not None:
            return known
        require_taking_over(job)
        return request_rest(job, actor, usd_at_most=usd_at_most, verb=Verb.ON_DEMAND_REQUESTED)


def request_rest(
    job: BatchJob, actor: Actor, *, usd_at_most: Decimal | None, verb: Verb, data: dict[str, Any] | None = None
) -> BatchJob:
    """Create the job that takes over *job*; the event of *verb* names it. The caller holds the connection's lock.

    Raises NotAllowed and :class:`UserError`.
    """
    name = name_of_resend(job.connection, job.job_name)
    made = lifecycle.create_job(
        connection=job.connection,
        actor=actor,
        request=replace(job.request, job_name=name, client_request_token="", **UNUSED),
        resend_of=job,
        on_demand=Order(takes_over=True, usd_at_most=usd_at_most),
        is_locked=True,
    )
    job.record(verb, actor=actor, data={"job": made.pk, "name": made.job_name, **(data or {})})
    return made


def _taken_over(job: BatchJob) -> BatchJob | None:
    """Return the job that takes over *job* already, if it has not ended."""
    before = BatchJob.objects.filter(resend_of=job, on_demand_run__takes_over=True)
    found: BatchJob | None = before.exclude(status__in=ENDED).first()
    return found
