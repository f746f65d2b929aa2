"""CreateModelInvocationJob, GetModelInvocationJob, ListModelInvocationJobs, StopModelInvocationJob."""

import hashlib
import secrets
import string
from pathlib import Path
from typing import Any

import msgspec

from batchconsole.localbedrock import catalogue
from batchconsole.localbedrock.errors import (
    AccessDeniedException,
    ConflictException,
    InternalServerException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from batchconsole.localbedrock.jobs import WAITING, Api, Caller, Job, Status
from batchconsole.localbedrock.operations.paging import read_token, write_token
from batchconsole.localbedrock.operations.tagging import read_tags, too_many
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.space import DiskFull, check_space
from batchconsole.localbedrock.store import JobFilter, NameTaken, QuotaReached, TokenTaken, now
from batchconsole.localbedrock.wire import milliseconds, rfc3339
from batchconsole.records.families import family_for

DEFAULT_TIMEOUT_HOURS = 24
DEFAULT_MAX_RESULTS = 100
ID_CHARACTERS = string.ascii_lowercase + string.digits


def create_model_invocation_job(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    return {"jobArn": create_job(service, caller, params).arn}


def create_job(
    service: Service,
    caller: Caller,
    params: dict[str, Any],
    *,
    api: Api = "bedrock",
    batch: dict[str, Any] | None = None,
) -> Job:
    """Accept a job. S3, KMS and the role's permissions are checked later, while the job is Validating.

    *params* are those of CreateModelInvocationJob; *batch* holds the additional fields of a batch of OpenAI's API.
    """
    check_room(service)
    tags = read_tags(params.get("tags", []))
    if len(tags) > service.settings.max_tags:
        raise ValidationException(too_many(service.settings.max_tags))
    if params["roleArn"].split(":")[4] != caller.account:
        raise AccessDeniedException("Cross-account pass role is not allowed.")
    resolved = _batchable(params, caller)
    job = _new_job(params, caller, resolved, service.settings)
    if batch is not None:
        job = msgspec.structs.replace(job, api=api, request=job.request | {"batch": batch})
    limit = service.settings.max_jobs_per_custom_model if resolved.is_custom else service.settings.max_jobs_per_model
    try:
        service.store.add(job, tags, limit=limit)
    except TokenTaken as error:
        return service.store.get(error.job_id) or job
    except NameTaken as error:
        raise ConflictException("The provided job name is currently in use.") from error
    except QuotaReached as error:
        raise ServiceQuotaExceededException(
            "The number of batch inference jobs in flight exceeds the quota of your account for this model: "
            f"at most {limit} jobs may be submitted or in progress for {job.base_model_id}."
        ) from error
    service.engine.nudge()
    return job


def check_room(service: Service) -> None:
    """Raise :class:`InternalServerException`, which clients retry, if there is too little disk space for a job."""
    try:
        check_space(Path(service.settings.data_dir), service.settings.min_free_bytes)
    except DiskFull as error:
        raise InternalServerException(f"{error}.") from error


def _batchable(params: dict[str, Any], caller: Caller) -> catalogue.Resolved:
    resolved = catalogue.resolve(params["modelId"], caller)
    invocation_type = params.get("modelInvocationType", "InvokeModel")
    if resolved is None or not resolved.model.batch or not family_for(resolved.model.model_id, invocation_type):
        raise ValidationException("Batch inference is not supported for the requested model.")
    if said := catalogue.profile_needed(params["modelId"], resolved, caller):
        raise ValidationException(said)
    if invocation_type == "Converse" and "TEXT" not in resolved.model.output_modalities:  # embeddings
        raise ValidationException("Batch inference is not supported for the requested model.")
    return resolved


def _new_job(params: dict[str, Any], caller: Caller, resolved: catalogue.Resolved, settings: Settings) -> Job:
    moment = now()
    hours = params.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS)
    request = {name: value for name, value in params.items() if name not in {"tags", "clientRequestToken"}}
    return Job(
        id="".join(secrets.choice(ID_CHARACTERS) for _ in range(12)),
        account=caller.account,
        region=caller.region,
        name=params["jobName"],
        model_id=resolved.arn,
        base_model_id=resolved.model.model_id,
        token=params.get("clientRequestToken", ""),
        fingerprint=_fingerprint(params),
        request=request,
        submit_time=moment,
        last_modified_time=moment,
        due_time=moment + int(settings.submitted_seconds * 1000),
        expiration_time=moment + int(hours * settings.hour_seconds * 1000),
    )


def _fingerprint(params: dict[str, Any]) -> str:
    """Return a hash of the request without its client token."""
    rest = {name: value for name, value in params.items() if name != "clientRequestToken"}
    return hashlib.sha256(msgspec.json.encode(rest, order="sorted")).hexdigest()


def get_model_invocation_job(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    return _view(find_job(service, caller, params["jobIdentifier"]))


def find_job(service: Service, caller: Caller, identifier: str) -> Job:
    """Return the caller's job by id or ARN. Raises :class:`ResourceNotFoundException`."""
    job = service.store.get(identifier.rpartition("/")[2])
    if job is None or job.caller != caller or job.api != "bedrock" or ("/" in identifier and identifier != job.arn):
        raise ResourceNotFoundException("The provided job identifier does not exist.")
    return job


def list_model_invocation_jobs(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    after = int(read_token(params["nextToken"], params)) if "nextToken" in params else None
    limit = params.get("maxResults", DEFAULT_MAX_RESULTS)
    ascending = params.get("sortOrder") == "Ascending"
    jobs = service.store.page(caller, _filter(params), after=after, limit=limit + 1, ascending=ascending)
    answer: dict[str, Any] = {"invocationJobSummaries": [_view(job) for job in jobs[:limit]]}
    if len(jobs) > limit:
        answer["nextToken"] = write_token(jobs[limit - 1].seq, params)
    return answer


def _filter(params: dict[str, Any]) -> JobFilter:
    after, before = params.get("submitTimeAfter"), params.get("submitTimeBefore")
    return JobFilter(
        submitted_after=milliseconds(after) if after else None,
        submitted_before=milliseconds(before) if before else None,
        status=params.get("statusEquals"),
        name_contains=params.get("nameContains"),
    )


def stop_model_invocation_job(service: Service, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    job = find_job(service, caller, params["jobIdentifier"])
    if not stop_job(service, job):
        status = service.store.status(job.id)
        raise ValidationException(f"The job cannot be stopped in its current state. State was: {status}")
    return {}


def stop_job(service: Service, job: Job) -> bool:
    """Start to stop *job*, and say whether its state allowed that."""
    stopped = service.store.move(
        job.id, to=Status.STOPPING, only_from=[*WAITING, Status.IN_PROGRESS], due_in=service.settings.stopping_seconds
    )
    service.engine.nudge()
    return stopped


def _view(job: Job) -> dict[str, Any]:
    """Return *job* as GetModelInvocationJob and ListModelInvocationJobs show it: its request and its progress.

    Members without a value are omitted.
    """
    owner = {"s3BucketOwner": job.account}
    view = job.request | {
        "jobArn": job.arn,
        "modelId": job.model_id,
        "clientRequestToken": job.token,
        "status": job.status,
        "message": job.message,
        "submitTime": rfc3339(job.submit_time),
        "lastModifiedTime": rfc3339(job.last_modified_time),
        "endTime": rfc3339(job.end_time) if job.end_time else None,
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL"} | owner | job.input},
        "outputDataConfig": {"s3OutputDataConfig": owner | job.output},
        "timeoutDurationInHours": job.request.get("timeoutDurationInHours", DEFAULT_TIMEOUT_HOURS),
        "jobExpirationTime": rfc3339(job.expiration_time),
        "modelInvocationType": job.invocation_type,
        "totalRecordCount": job.total,
        "processedRecordCount": job.success + job.error,
        "successRecordCount": job.success,
        "errorRecordCount": job.error,
    }
    return {name: value for name, value in view.items() if value not in (None, "")}
