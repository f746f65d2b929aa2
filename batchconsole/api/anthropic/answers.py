"""Message Batches and errors in the shape of Anthropic's API. Times are RFC 3339, in UTC."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from batchconsole.api.middleware import request_id_of
from batchconsole.api.openai.answers import retry_headers, told
from batchconsole.jobs.models import OpenAIBatch
from batchconsole.records.anthropic_errors import error_body

Body = dict[str, Any]
State = OpenAIBatch.State
ENDED = frozenset({State.COMPLETED, State.FAILED, State.EXPIRED, State.CANCELLED})


def batch_object(batch: OpenAIBatch, request: HttpRequest) -> Body:
    is_ended = batch.state in ENDED
    results = request.build_absolute_uri(
        reverse("anthropic-batch-results", args=[batch.connection.name, batch.batch_id])
    )
    return {
        "id": batch.batch_id,
        "type": "message_batch",
        "processing_status": "ended" if is_ended else "canceling" if batch.cancelling_at else "in_progress",
        "request_counts": _counts(batch),
        "created_at": _time(batch.created_at),
        "expires_at": _time(batch.expires_at),
        "ended_at": _time(batch.ended_at),
        "cancel_initiated_at": _time(batch.cancelling_at),
        "archived_at": None,
        "results_url": results if is_ended else None,
    }


def _counts(batch: OpenAIBatch) -> Body:
    """Return the counts of the results; all requests are processing until the batch has ended, as at Anthropic."""
    kinds = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    if not batch.is_ended:
        return kinds | {"processing": batch.request_count}
    if batch.metadata:
        return kinds | dict(batch.metadata)
    return kinds | {"canceled" if batch.state == State.CANCELLED else "errored": batch.request_count}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def list_object(data: list[Body], *, has_more: bool) -> Body:
    ids = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": has_more} | ids


def answer_error(error: Exception, request: HttpRequest) -> HttpResponse:
    """Return the response to an error that a call has raised; log it if it is the console's own."""
    request_id = request_id_of(request)
    status, message, _ = told(error, request_id)
    body = error_body(status, message, request_id)
    return JsonResponse(body, status=status, headers=retry_headers(error, status))
