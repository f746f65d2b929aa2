"""The calls of Amazon Bedrock's API that the console answers itself, from its own table, in AWS's format.

A client that creates a job gets AWS's own ARN if the job could be submitted at once. If the job has to wait, the client
gets an ARN of the same form with an id of the console, and the gateway accepts that ARN as long as the job exists.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.aws.constraints import MAX_TAGS
from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest, Tag, read_members
from batchconsole.jobs import lifecycle, origin
from batchconsole.jobs.account import account_id
from batchconsole.jobs.job_rules import RESERVED_TAGS
from batchconsole.jobs.model_rules import refusal, takes_converse
from batchconsole.jobs.models import BatchJob, Connection, Right, Status, Verb
from batchconsole.jobs.programs.gateway_descriptions import (
    DEFAULT_TIMEOUT_HOURS,
    ID_PREFIX,
    Answer,
    arn_of,
    describe,
    new_id,
    status_of,
)
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.rights.access import require, require_model, require_on_job, require_places, require_service_role
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.states import ENDED, NEVER_SENT
from batchconsole.jobs.sync import take_in
from batchconsole.jobs.tags import current_tags, edit_tags
from batchconsole.records import catalogue

Params = Mapping[str, Any]
# How long a call waits for a job that another process is submitting.
SETTLE_SECONDS, LOOK_AGAIN_SECONDS = 3.0, 0.05
TRYING_AGAIN = timedelta(minutes=5)  # botocore makes three attempts of a minute each, with pauses


def create(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle CreateModelInvocationJob: create a job as the form does, and submit it before answering if it may go.

    The same token with the same request returns the ARN of the first job. The same token with a different request
    creates another job, as on AWS: some clients always send the same token.

    Raises
    ------
    AwsError
        An error that AWS would return, or has returned.
    NotAllowed
        The caller lacks the right, the connection does not allow the location, model or role, or a budget is exceeded.
    """
    require(actor, Right.SUBMIT, connection)
    request = JobRequest(**read_members(JobRequest, params))
    _check_request(connection, request)
    job, is_new = _job_of(connection, actor, request)
    if is_new and scheduling.may_go_now(job):
        lifecycle.submit(job)
    if not job.job_arn:
        _settle(job)
    if job.status == Status.SUBMIT_FAILED and not job.gateway_id:
        raise _refused(job.message, code=job.error_code, operation="CreateModelInvocationJob")
    return {"jobArn": _answered_arn(job)}


def _refused(message: str, *, code: str = "ValidationException", operation: str = "") -> AwsError:
    return AwsError(message, code=code, operation=operation)


def _check_request(connection: Connection, request: JobRequest) -> None:
    """Refuse what AWS refuses in this call beyond the API's model, and what the connection does not allow."""
    check_tags(request.tags)
    if len(request.tags) > MAX_TAGS:
        raise _refused(f"The resource can have at most {MAX_TAGS} tags.")
    if request.role_arn.split(":")[4] != account_id(connection):
        raise _refused("Cross-account pass role is not allowed.", code="AccessDeniedException")
    reason = refusal(request.model_id, connection.region)
    model = catalogue.find_model(request.model_id)
    if not reason and model and request.model_invocation_type == "Converse" and not takes_converse(model):
        reason = f"{model.name} does not take Converse requests."
    if reason:
        raise _refused(reason)
    require_input(connection, request.input_s3_uri)
    require_places(connection, output=request.output_s3_uri)
    require_model(connection, request.model_id)
    require_service_role(connection, request.role_arn)


def check_tags(tags: Iterable[Tag]) -> None:
    """Raise AwsError (``ValidationException``) for tag keys that are duplicated or reserved."""
    keys = [tag["key"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise _refused("Duplicate tag keys found. Please note that tag keys are case sensitive.")
    if any(key.lower().startswith(RESERVED_TAGS) for key in keys):
        raise _refused("aws: prefixed tag key names are not allowed for external use.")


def _job_of(connection: Connection, actor: User, request: JobRequest) -> tuple[BatchJob, bool]:
    """Return the job that *request* created before, or a new one, and whether it is new; the connection is locked."""
    token = request.client_request_token
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        # The same request has the same name, so a client with a constant token does not produce a long list here.
        earlier = list(BatchJob.objects.filter(connection=connection, job_name=request.job_name))
        known = next((job for job in earlier if _is_of(job, actor, request)), None)
        if known:
            return known, False
        if any(job.status not in NEVER_SENT for job in earlier):
            raise _refused("The provided job name is currently in use.", code="ConflictException")
        # AWS gets a token of our own: the client may have sent its token to AWS before, bypassing the console.
        job = lifecycle.create_job(
            connection=connection,
            actor=actor,
            request=replace(request, client_request_token=""),
            check_input=connection.checks_programs,
            caller_token=token,
            is_nudged=connection.checks_programs,
            is_locked=True,
        )
    return job, True


def _is_of(job: BatchJob, actor: User, request: JobRequest) -> bool:
    """Whether *request* created *job* before; a job whose refusal was returned to the client does not count."""
    token = request.client_request_token
    is_mine = job.caller_token == token and job.created_by_id == actor.pk
    is_refused = job.status == Status.SUBMIT_FAILED and not job.gateway_id
    # A job created directly on AWS has the token that AWS knows.
    is_imported = job.origin == BatchJob.Origin.IMPORTED and job.client_request_token == token
    return bool(token) and ((is_mine and not is_refused) or is_imported) and _asked(job.request) == _asked(request)


def _asked(request: JobRequest) -> JobRequest:
    """Return *request* with AWS's defaults, without its token and without its tags, which may have changed since."""
    account = "".join(request.role_arn.split(":")[4:5])
    return replace(
        request,
        client_request_token="",
        tags=(),
        timeout_duration_in_hours=request.timeout_duration_in_hours or DEFAULT_TIMEOUT_HOURS,
        model_id=request.model_id.rpartition("/")[2],
        input_bucket_owner=request.input_bucket_owner or account,
        output_bucket_owner=request.output_bucket_owner or account,
    )


def _settle(job: BatchJob) -> None:
    """Reload *job*, waiting briefly while another process submits it."""
    until = time.monotonic() + SETTLE_SECONDS
    job.refresh_from_db()
    while job.status == Status.SUBMITTING and time.monotonic() < until:
        time.sleep(LOOK_AGAIN_SECONDS)
        job.refresh_from_db()


def _answered_arn(job: BatchJob) -> str:
    """Return the ARN for the client: AWS's own, or from now on one with our id; repeated calls return the same one."""
    if not job.job_arn and not job.gateway_id:
        waiting = BatchJob.objects.filter(pk=job.pk, job_arn=None, gateway_id="")
        waiting.update(gateway_id=new_id())
        job.refresh_from_db()
    return arn_of(job)


def find_job(connection: Connection, actor: User, identifier: str) -> BatchJob:
    """Return the job with this ARN or 12-character id, ours or AWS's; raise AwsError (``ResourceNotFoundException``).

    If the console does not know the job yet, it asks AWS.
    """
    require(actor, Right.VIEW, connection)
    job_id = identifier.rpartition("/")[2]
    arn = bedrock.job_arn(connection.region, account_id(connection), job_id)
    if identifier not in (job_id, arn):
        raise _unknown_job()
    jobs = BatchJob.objects.filter(connection=connection, lane=BatchJob.Lane.BATCH)
    jobs = jobs.select_related("connection", "output_copy")
    found: BatchJob | None = jobs.filter(Q(gateway_id=job_id) | Q(job_arn=arn) | _of_row(job_id)).first()
    if found is None and not job_id.startswith(ID_PREFIX):
        found = jobs.filter(job_arn=_ask_aws(connection, arn)).first()
    if found is None:
        raise _unknown_job()
    return found


def _of_row(job_id: str) -> Q:
    number = job_id.removeprefix(ID_PREFIX)
    is_row = job_id.startswith(ID_PREFIX) and number.isdecimal() and number.isascii()
    return Q(pk=int(number), gateway_id="") if is_row else Q(pk=None)


def _unknown_job() -> AwsError:
    return _refused("The provided job identifier does not exist.", code="ResourceNotFoundException")


def _ask_aws(connection: Connection, arn: str) -> str:
    summary = bedrock.get_model_invocation_job(connection.target, arn)
    take_in(connection, summary)
    return summary.job_arn


def get(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle GetModelInvocationJob. The answer names the job by the id that the caller used."""
    identifier = params["jobIdentifier"]
    job = find_job(connection, actor, identifier)
    by_aws_id = job.job_arn and identifier.rpartition("/")[2] == job.aws_id
    return describe(job) | ({"jobArn": job.job_arn} if by_aws_id else {})


def stop(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle StopModelInvocationJob; a job that has ended cannot be stopped (``ValidationException``).

    A client that retries because it got no answer gets the first answer again.
    """
    job = find_job(connection, actor, params["jobIdentifier"])
    require_on_job(actor, job)
    _settle(job)
    if origin.is_repeat() and _has_stopped(job, actor):
        return {}
    if job.status in ENDED or job.status == Status.STOPPING:
        raise _refused(f"The job cannot be stopped in its current state. State was: {status_of(job)}")
    lifecycle.stop(job, actor)
    return {}


def _has_stopped(job: BatchJob, actor: User) -> bool:
    """Whether *actor* stopped *job* with the API key of this request within the time in which clients retry."""
    since = timezone.now() - TRYING_AGAIN
    asked = job.events.filter(verb__in=[Verb.STOP_REQUESTED, Verb.CANCELLED], actor=actor, api_key=origin.api_key())
    return asked.filter(at__gt=since).exists()


def tag(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle TagResource: add or change tags; more tags than a job can have is a ``TooManyTagsException``."""
    check_tags(params["tags"])
    return _edit_tags(connection, actor, params, given={each["key"]: each["value"] for each in params["tags"]})


def untag(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle UntagResource; a key that the job does not have is not an error."""
    return _edit_tags(connection, actor, params, gone=set(params["tagKeys"]))


def _edit_tags(
    connection: Connection,
    actor: User,
    params: Params,
    *,
    given: dict[str, str] | None = None,
    gone: set[str] | None = None,
) -> Answer:
    job = find_job(connection, actor, params["resourceARN"])
    require_on_job(actor, job)
    _settle(job)
    before = {each["key"]: each["value"] for each in current_tags(job)}
    wanted = {key: value for key, value in (before | (given or {})).items() if key not in (gone or ())}
    if len(wanted) > MAX_TAGS:
        raise _refused(f"The resource can have at most {MAX_TAGS} tags.", code="TooManyTagsException")
    if wanted != before:
        edit_tags(job, actor, [{"key": key, "value": value} for key, value in wanted.items()])
    return {}


def list_tags(connection: Connection, actor: User, params: Params) -> Answer:
    """Handle ListTagsForResource."""
    return {"tags": current_tags(find_job(connection, actor, params["resourceARN"]))}
