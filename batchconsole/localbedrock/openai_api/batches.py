"""Create, retrieve, list and cancel batches: https://platform.openai.com/docs/api-reference/batch.

AWS's additions are in headers: the service role, the model, an encryption key for the output, and tags. What AWS does
not document follows OpenAI. These batches are ordinary jobs with the quotas of jobs, but each API lists only its own.
"""

import secrets
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from msgspec import Meta

from batchconsole.localbedrock.errors import ValidationException
from batchconsole.localbedrock.jobs import BATCH, Caller, Job, Status
from batchconsole.localbedrock.openai_api.errors import BatchError
from batchconsole.localbedrock.operations import invocation_jobs
from batchconsole.localbedrock.record_formats import CHAT_COMPLETIONS
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.store import JobFilter
from batchconsole.localbedrock.validation import check
from batchconsole.localbedrock.wire import HttpRequest

ROLE, MODEL = "x-amzn-bedrock-rolearn", "x-amzn-bedrock-modelid"
KEY, TAGS = "x-amzn-bedrock-outputencryptionkeyid", "x-amzn-bedrock-tags"
REQUIRED = {ROLE: "X-Amzn-Bedrock-RoleArn", MODEL: "X-Amzn-Bedrock-ModelId"}
DEFAULT_LIMIT, MAX_LIMIT = 20, 100
STATUSES = {
    Status.SUBMITTED: "validating",
    Status.VALIDATING: "validating",
    Status.SCHEDULED: "in_progress",
    Status.IN_PROGRESS: "in_progress",
    Status.STOPPING: "cancelling",
    Status.STOPPED: "cancelled",
    Status.COMPLETED: "completed",
    Status.PARTIALLY_COMPLETED: "expired",
    Status.FAILED: "failed",
    Status.EXPIRED: "expired",
}
# Timestamp of a batch -> the states whose start it shows; the first of them that the job has been in counts.
MOMENTS = {
    "in_progress_at": (Status.SCHEDULED, Status.IN_PROGRESS),
    "finalizing_at": (Status.COMPLETED,),
    "completed_at": (Status.COMPLETED,),
    "failed_at": (Status.FAILED,),
    "expired_at": (Status.EXPIRED, Status.PARTIALLY_COMPLETED),
    "cancelling_at": (Status.STOPPING,),
    "cancelled_at": (Status.STOPPED,),
}
# Member of CreateModelInvocationJob with an error -> the parameter of this API.
PARAMS = {"roleArn": REQUIRED[ROLE], "modelId": REQUIRED[MODEL], "inputDataConfig": "input_file_id"}


class _Body(msgspec.Struct):
    input_file_id: Annotated[str, Meta(pattern="^s3://")]
    endpoint: str
    completion_window: Literal["24h"]
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
        | None
    ) = None
    output_expires_after: dict[str, Any] | None = None


_body = msgspec.json.Decoder(_Body)
_tags = msgspec.json.Decoder(dict[str, str])


def create_batch(service: Service, caller: Caller, request: HttpRequest, _: str) -> dict[str, Any]:
    """Create a batch. Raises :class:`BatchError` or, as for any job, a :class:`ServiceError`."""
    for header, name in REQUIRED.items():
        if not request.headers.get(header):
            raise BatchError(400, f"Missing required header: {name}", param=name, code="missing_required_parameter")
    body = _read_body(request.body)
    params = _job_params(body, request)
    _check(params)
    if not _bare(params["modelId"]).startswith("openai."):
        message = "The batches of this API are for OpenAI's models: Batch inference is not supported for this one."
        raise BatchError(400, message, param=REQUIRED[MODEL])
    batch = {"endpoint": body.endpoint, "completion_window": body.completion_window, "metadata": body.metadata}
    job = invocation_jobs.create_job(service, caller, params, api="openai", batch=batch)
    return view(service, job)


def _read_body(content: bytes) -> _Body:
    try:
        body = _body.decode(content or b"{}")
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        param = path.strip(".`").partition("[")[0] or (what.split("`")[1] if "`" in what else None)
        raise BatchError(400, f"Invalid request: {error}", param=param) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"We could not parse the JSON body of your request: {error}"
        raise BatchError(400, message, code="invalid_json") from error
    if body.endpoint.lstrip("/") != CHAT_COMPLETIONS.lstrip("/"):
        raise BatchError(400, f"Invalid value: {body.endpoint!r}. It must be {CHAT_COMPLETIONS!r}.", param="endpoint")
    if not body.input_file_id.removeprefix("s3://").partition("/")[2] or body.input_file_id.endswith("/"):
        message = f"Invalid value: {body.input_file_id!r}. It must be the S3 URI of one file."
        raise BatchError(400, message, param="input_file_id")
    return body


def _job_params(body: _Body, request: HttpRequest) -> dict[str, Any]:
    """Return CreateModelInvocationJob's input for the same job, with a random name that is never shown."""
    output = {"s3Uri": f"{body.input_file_id.rpartition('/')[0]}/"}
    if request.headers.get(KEY):
        output["s3EncryptionKeyId"] = request.headers[KEY]
    return {
        "jobName": f"batch-{secrets.token_hex(16)}",
        "roleArn": request.headers[ROLE],
        "modelId": request.headers[MODEL],
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": body.input_file_id}},
        "outputDataConfig": {"s3OutputDataConfig": output},
        "tags": _read_tags(request.headers.get(TAGS, "")),
    }


def _read_tags(text: str) -> list[dict[str, str]]:
    try:
        return [{"key": key, "value": value} for key, value in _tags.decode(text or "{}").items()]
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        message = f"X-Amzn-Bedrock-Tags must be a JSON object of texts: {error}"
        raise BatchError(400, message, param="X-Amzn-Bedrock-Tags") from error


@cache
def _create_shape() -> Shape:
    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
    return model.operation_model("CreateModelInvocationJob").input_shape


def _check(params: dict[str, Any]) -> None:
    try:
        check(_create_shape(), params)
    except ValidationException as error:
        param = next((PARAMS[name] for name in PARAMS if f"'{name}" in error.message), None)
        raise BatchError(400, error.message, param=param) from error


def _bare(model_id: str) -> str:
    return model_id.rpartition("/")[2]


def retrieve_batch(service: Service, caller: Caller, _: HttpRequest, batch_id: str) -> dict[str, Any]:
    return view(service, _find(service, caller, batch_id))


def _find(service: Service, caller: Caller, batch_id: str) -> Job:
    job = service.store.get(batch_id.removeprefix(BATCH))
    if job is None or job.caller != caller or job.api != "openai" or job.shown_id != batch_id:
        raise BatchError(404, f"No batch found with id '{batch_id}'.", param="batch_id")
    return job


def list_batches(service: Service, caller: Caller, request: HttpRequest, _: str) -> dict[str, Any]:
    """List the batches, newest first; ``after`` is the id of the last batch of the previous page."""
    limit, after = _limit(request.query.get("limit", "")), request.query.get("after")
    wanted = JobFilter(api="openai")
    last_seen = _after(service, caller, after).seq if after else None
    jobs = service.store.page(caller, wanted, ascending=False, after=last_seen, limit=limit + 1)
    data = [view(service, job) for job in jobs[:limit]]
    ids = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"object": "list", "data": data, "has_more": len(jobs) > limit} | ids


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        message = f"Invalid value: {text[:40]!r}. It must be a number from 1 to {MAX_LIMIT}."
        raise BatchError(400, message, param="limit")
    return int(text)


def _after(service: Service, caller: Caller, batch_id: str) -> Job:
    try:
        return _find(service, caller, batch_id)
    except BatchError as error:
        raise BatchError(400, f"Invalid value: {batch_id[:80]!r}. There is no such batch.", param="after") from error


def cancel_batch(service: Service, caller: Caller, _: HttpRequest, batch_id: str) -> dict[str, Any]:
    """Cancel a batch. One that is already being cancelled, or is cancelled, is returned as it is."""
    job = _find(service, caller, batch_id)
    if not invocation_jobs.stop_job(service, job):
        job = _find(service, caller, batch_id)
        if job.status not in (Status.STOPPING, Status.STOPPED):
            message = f"Cannot cancel a batch with status '{STATUSES[job.status]}'."
            raise BatchError(400, message, param="batch_id")
    return view(service, _find(service, caller, batch_id))


def view(service: Service, job: Job) -> dict[str, Any]:
    """Return *job* as a batch object. Output and error files are named once the job has ended and they exist."""
    history = service.store.history(job.id)
    moments = {
        name: next((history[status] // 1000 for status in statuses if status in history), None)
        for name, statuses in MOMENTS.items()
    }
    return {
        "id": job.shown_id,
        "object": "batch",
        "model": job.base_model_id,
        "errors": _errors(job),
        "input_file_id": job.input["s3Uri"],
        "status": STATUSES[job.status],
        "created_at": job.submit_time // 1000,
        "expires_at": job.expiration_time // 1000,
        "request_counts": {"total": job.total, "completed": job.success, "failed": job.error},
        "usage": {
            "input_tokens": job.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": job.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": job.input_tokens + job.output_tokens,
        },
        **job.request["batch"],
        **_files(service, job),
        **moments,
    }


def _errors(job: Job) -> dict[str, Any] | None:
    if job.status != Status.FAILED:
        return None
    error = {"code": job.failure.get("code", "server_error"), "line": job.failure.get("line")}
    return {"object": "list", "data": [error | {"message": job.message, "param": None}]}


def _files(service: Service, job: Job) -> dict[str, Any]:
    done = [file for file in service.store.files(job.id) if file.done] if job.end_time else []
    bucket = job.output["s3Uri"].removeprefix("s3://").partition("/")[0]
    return {
        "output_file_id": f"s3://{bucket}/{done[0].output_key}" if done and job.success else None,
        "error_file_id": f"s3://{bucket}/{done[0].error_key}" if done and job.error else None,
    }
