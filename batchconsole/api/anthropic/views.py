"""The calls of the Anthropic dialect: authenticate the caller, pass the call on, answer in Anthropic's shape."""

from collections.abc import Callable
from functools import wraps
from itertools import chain
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse

from batchconsole.api.anthropic.answers import answer_error, batch_object, list_object
from batchconsole.api.openai.views import ROLE, Answer, Call, call_of
from batchconsole.body_limits import takes_files
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Right
from batchconsole.jobs.openai import messages as domain
from batchconsole.jobs.rights.access import require

MOST_BYTES = 64 << 20  # held in memory while the requests are read
BETAS, OWN_BETA = "anthropic-beta", "message-batches-"
# Anthropic's bounds of a page. Source: API reference, list Message Batches.
AT_ONCE, UNASKED = 1000, 20
Handler = Callable[..., Answer]


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a creation; each request stays as it was sent."""

    requests: list[msgspec.Raw]


def by_method(**handlers: Handler) -> Callable[..., HttpResponseBase]:
    """Return a view that answers each method by its handler, and errors in Anthropic's shape."""

    @wraps(next(iter(handlers.values())))
    def view(request: HttpRequest, name: str, **values: str) -> HttpResponseBase:
        if request.method not in handlers:
            return HttpResponseNotAllowed(list(handlers))
        try:
            key = request.headers.get("x-api-key", "")
            found = handlers[request.method](call_of(request, name, key=key), **values)
        except Exception as error:  # report every error in the client's own dialect
            return answer_error(error, request)
        return JsonResponse(found) if isinstance(found, dict) else found

    return view


def create_batch(call: Call) -> Answer:
    require(call.actor, Right.SUBMIT, call.connection)  # before the body is in memory
    headers = call.request.headers
    _require_known_betas(headers.get(BETAS, ""))
    requests = _read_requests(call)
    key, role_arn = headers.get("Idempotency-Key", ""), headers.get(ROLE, "")
    made = domain.create_message_batch(call.connection, call.actor, requests, key=key, role_arn=role_arn)
    return batch_object(made, call.request)


def _read_requests(call: Call) -> list[bytes]:
    try:
        body = msgspec.json.decode(call.request.read(), type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"The request body is not valid JSON of a Message Batch: {error}") from error
    domain.require_few(len(body.requests))
    return [msgspec.json.format(bytes(each), indent=-1) for each in body.requests]  # each on one line


def _require_known_betas(header: str) -> None:
    others = [beta for beta in header.replace(" ", "").split(",") if beta and not beta.startswith(OWN_BETA)]
    if others:
        message = f"{BETAS}: the console does not pass on {', '.join(others)[:200]}."
        hint = "Name the features in params.anthropic_beta of each request, as Bedrock takes them."
        raise UserError(message, BETAS, hint)


def list_batches(call: Call) -> Answer:
    query = call.request.GET
    limit, before = _limit(query.get("limit", "")), query.get("before_id", "")
    found = domain.list_message_batches(
        call.connection, call.actor, after=query.get("after_id", ""), before=before, limit=limit + 1
    )
    shown = found[-limit:] if before else found[:limit]
    return list_object([batch_object(each, call.request) for each in shown], has_more=len(found) > limit)


def _limit(text: str) -> int:
    if not text:
        return UNASKED
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= AT_ONCE):
        raise UserError(f"limit: {text[:40]} is no number from 1 to {AT_ONCE}.", "limit")
    return int(text)


def get_batch(call: Call, batch_id: str) -> Answer:
    return batch_object(domain.find_message_batch(call.connection, call.actor, batch_id), call.request)


def cancel_batch(call: Call, batch_id: str) -> Answer:
    return batch_object(domain.cancel_message_batch(call.connection, call.actor, batch_id), call.request)


def delete_batch(call: Call, batch_id: str) -> Answer:
    domain.delete_message_batch(call.connection, call.actor, batch_id)
    return {"id": batch_id, "type": "message_batch_deleted"}


def read_results(call: Call, batch_id: str) -> Answer:
    chunks = domain.read_results(call.connection, call.actor, batch_id)
    first: Any = next(chunks, b"")  # what S3 refuses is told as an error, not as a body that breaks off
    return StreamingHttpResponse(chain([first], chunks), content_type="application/x-jsonl")


batches = takes_files(max_bytes=MOST_BYTES)(by_method(GET=list_batches, POST=create_batch))
batch = by_method(GET=get_batch, DELETE=delete_batch)
cancel = by_method(POST=cancel_batch)
results = by_method(GET=read_results)
