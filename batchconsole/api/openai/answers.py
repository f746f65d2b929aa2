"""Files, batches and errors in the shape of OpenAI's API. Times are whole seconds since 1970."""

import logging
from datetime import datetime
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from batchconsole.api.call_limit import TooMany
from batchconsole.api.refusals import RETRY_AFTER_SECONDS
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import BatchJob, OpenAIBatch, OpenAIFile, Status
from batchconsole.jobs.openai.errors import Missing
from batchconsole.jobs.openai.files import TooLarge
from batchconsole.records.openai_errors import error_object
from batchconsole.trouble import trouble_of

logger = logging.getLogger(__name__)
Body = dict[str, Any]
State = OpenAIBatch.State
# The time at which a batch ended, by its state.
ENDS = {
    "completed_at": State.COMPLETED,
    "failed_at": State.FAILED,
    "expired_at": State.EXPIRED,
    "cancelled_at": State.CANCELLED,
}


class Unauthenticated(Exception):
    """The call has no key, or one that is not valid."""


def file_object(file: OpenAIFile) -> Body:
    return {
        "id": file.file_id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": _seconds(file.created_at),
        "expires_at": None,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def batch_object(batch: OpenAIBatch) -> Body:
    jobs = [part.job for part in batch.parts.all()]
    models = {job.model_id for job in jobs}
    return {
        "id": batch.batch_id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": models.pop() if len(models) == 1 else None,
        "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
        "input_file_id": batch.input_file_id,
        "completion_window": batch.completion_window,
        "status": status_of(batch, jobs),
        "output_file_id": batch.output_file_id or None,
        "error_file_id": batch.error_file_id or None,
        "created_at": _seconds(batch.created_at),
        "in_progress_at": _seconds(batch.in_progress_at),
        "expires_at": _seconds(batch.expires_at),
        "finalizing_at": _seconds(batch.finalizing_at),
        "cancelling_at": _seconds(batch.cancelling_at),
        **{name: _seconds(batch.ended_at) if batch.state == state else None for name, state in ENDS.items()},
        "request_counts": _counts(batch, jobs),
        "usage": _usage(batch),
        "metadata": batch.metadata or None,
    }


def status_of(batch: OpenAIBatch, jobs: list[BatchJob]) -> str:
    """Return the status; a batch whose jobs' inputs are being checked is still validated."""
    is_checked = any(job.status == Status.CHECKING for job in jobs)
    return str(State.VALIDATING if batch.state == State.IN_PROGRESS and is_checked else State(batch.state))


def _counts(batch: OpenAIBatch, jobs: list[BatchJob]) -> Body:
    """Return the counts of a batch that has ended, or what AWS tells so far."""
    if batch.is_ended:
        done, failed = batch.completed_count, batch.failed_count
    else:
        done = sum(job.success_record_count or 0 for job in jobs)
        failed = sum(job.error_record_count or 0 for job in jobs)
    return {"total": batch.request_count, "completed": done, "failed": failed}


def _usage(batch: OpenAIBatch) -> Body:
    return {
        "input_tokens": batch.input_tokens,
        "input_tokens_details": {"cached_tokens": batch.cached_tokens},
        "output_tokens": batch.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": batch.input_tokens + batch.output_tokens,
    }


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def list_object(data: list[Body], *, limit: int) -> Body:
    """Return a page of *limit* items of *data*, which has one more if there are further pages."""
    shown = data[:limit]
    ids = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return {"object": "list", "data": shown, "has_more": len(data) > limit} | ids


def answer_error(error: Exception, request_id: str) -> HttpResponse:
    """Return the response to an error that a call has raised; log it if it is the console's own."""
    status, message, param = told(error, request_id)
    body = {"error": error_object(status, message, param=param)}
    return JsonResponse(body, status=status, headers=retry_headers(error, status))


def retry_headers(error: Exception, status: int) -> dict[str, str]:
    """Return when a client may try again, if that can help."""
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.seconds)}
    return {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else {}


def told(error: Exception, request_id: str) -> tuple[int, str, str | None]:
    """Return the HTTP status, the message and the parameter at fault for *error*; log what is the console's own."""
    if isinstance(error, UserError):
        return _of_domain(error), _sentences(error), error.field or None
    if isinstance(error, Unauthenticated):
        return 401, str(error), None
    if isinstance(error, TooMany):
        return 429, str(error), None
    if isinstance(error, AwsError):
        said = f"The console could not use AWS: {_sentences(error)}"
        return (503 if error.retryable else 502), said, None
    if isinstance(error, RequestDataTooBig):
        return 413, "The body of the request is too large.", None
    if isinstance(error, UnreadablePostError):
        return 408, "The body broke off. Send the request again.", None
    if isinstance(error, MultiPartParserError | SuspiciousOperation):
        return 400, f"The body cannot be read: {error}", None
    logger.error("The call %s of a program failed: %s", request_id, error, exc_info=error)
    if trouble := trouble_of(error):
        return 503, trouble.sentences, None
    return 500, "The console met an error of its own, which its log tells.", None


def _of_domain(error: UserError) -> int:
    if isinstance(error, Missing):
        return 404
    if isinstance(error, TooLarge):
        return 413
    return 403 if isinstance(error, NotAllowed) else 400


def _sentences(error: UserError | AwsError) -> str:
    return " ".join(text for text in (error.message, error.hint) if text)
