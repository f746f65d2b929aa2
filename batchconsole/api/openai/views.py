"""The calls of the OpenAI dialect: authenticate the caller, pass the call to the domain, answer in OpenAI's shape."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse

from batchconsole.api.call_limit import count_call
from batchconsole.api.middleware import request_id_of
from batchconsole.api.openai.answers import Unauthenticated, answer_error, batch_object, file_object, list_object
from batchconsole.api.openai.uploads import S3UploadHandler
from batchconsole.body_limits import takes_files
from batchconsole.jobs import origin
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Connection, OpenAIFile, Right
from batchconsole.jobs.openai import batches as domain
from batchconsole.jobs.openai import files as stored
from batchconsole.jobs.openai.errors import Missing
from batchconsole.jobs.rights.access import limit_to_key, require, rights_on
from batchconsole.jobs.rights.api_keys import find_by_token
from batchconsole.jobs.s3 import uploads
from batchconsole.records import catalogue

BEARER = "Bearer "
ENVELOPE_BYTES = 1 << 20  # of a multipart body beside its file
ROLE, RETRIES = "X-Amzn-Bedrock-RoleArn", "X-Stainless-Retry-Count"
# OpenAI's bounds and defaults of a page. Source: API reference, list files and list batches.
FILES_AT_ONCE, BATCHES_AT_ONCE, BATCHES_UNASKED = 10_000, 100, 20


@dataclass(frozen=True)
class Call:
    """A call whose caller has some right on the connection."""

    request: HttpRequest
    connection: Connection
    actor: User


Answer = dict[str, Any] | HttpResponseBase
Handler = Callable[..., Answer]


def by_method(**handlers: Handler) -> Callable[..., HttpResponseBase]:
    """Return a view that answers each method by its handler, and errors in OpenAI's shape."""

    @wraps(next(iter(handlers.values())))
    def view(request: HttpRequest, name: str, **values: str) -> HttpResponseBase:
        if request.method not in handlers:
            return HttpResponseNotAllowed(list(handlers))
        try:
            found = handlers[request.method](call_of(request, name), **values)
        except Exception as error:  # report every error in the client's own dialect
            return answer_error(error, request_id_of(request))
        return JsonResponse(found) if isinstance(found, dict) else found

    return view


def call_of(request: HttpRequest, name: str, *, key: str = "") -> Call:
    """Return the call of the owner of *key*, or of the bearer key. Raises Unauthenticated, TooMany and Missing."""
    authorization = request.headers.get("Authorization", "")
    token = key or (authorization.removeprefix(BEARER).strip() if authorization.startswith(BEARER) else "")
    found = find_by_token(token) if token else None
    if found is None:
        raise Unauthenticated("Incorrect API key provided. Send a key of this console as the API key.")
    count_call(request, found.key_id)
    limit_to_key(found.user, found)
    connection = Connection.objects.enabled().filter(name=name).first()
    if connection is None or not rights_on(found.user, connection):
        raise Missing(f"There is no connection {name!r} on which this key and its owner may do anything.")
    if request.headers.get(RETRIES, "0") != "0":
        origin.note_repeat()
    return Call(request, connection, found.user)


def _limit(call: Call, *, unasked: int, most: int) -> int:
    text = call.request.GET.get("limit", "") or str(unasked)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most):
        raise UserError(f"Invalid value: {text[:40]!r}. It must be a number from 1 to {most}.", "limit")
    return int(text)


def list_files(call: Call) -> Answer:
    query, limit = call.request.GET, _limit(call, unasked=FILES_AT_ONCE, most=FILES_AT_ONCE)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise UserError("The order must be asc or desc.", "order")
    found = stored.list_files(
        call.connection,
        call.actor,
        purpose=query.get("purpose", ""),
        after=query.get("after", ""),
        limit=limit + 1,
        oldest_first=order == "asc",
    )
    return list_object([file_object(each) for each in found], limit=limit)


def upload_file(call: Call) -> Answer:
    require(call.actor, Right.SUBMIT, call.connection)
    with uploads.reserved(call.actor.pk, int(call.request.META.get("CONTENT_LENGTH") or 0)):
        return _receive_file(call)


def _receive_file(call: Call) -> Answer:
    handler = S3UploadHandler(call.request, call.connection, call.actor)
    call.request.upload_handlers = [handler]
    try:
        fields = call.request.POST
        _require_upload_fields(fields.dict())
        if handler.upload is None:
            raise UserError("The request has no file. Send it as multipart/form-data, as the part 'file'.", "file")
        return file_object(handler.upload.finish())
    except BaseException:
        handler.abort()
        raise


def _require_upload_fields(fields: dict[str, str]) -> None:
    purpose = fields.pop("purpose", "")
    if purpose != OpenAIFile.Purpose.BATCH:
        raise UserError(f"The purpose is {purpose[:40]!r}. It must be 'batch'.", "purpose")
    if fields:
        name = next(iter(fields))[:80]
        hint = "How long files are kept is set for the whole console." if name.startswith("expires_after") else ""
        raise UserError(f"The parameter '{name}' is not taken here.", name, hint)


def get_file(call: Call, file_id: str) -> Answer:
    return file_object(stored.find_file(call.connection, call.actor, file_id))


def delete_file(call: Call, file_id: str) -> Answer:
    stored.delete_file(call.connection, call.actor, file_id)
    return {"id": file_id, "object": "file", "deleted": True}


def read_content(call: Call, file_id: str) -> Answer:
    chunks = stored.read_file(call.connection, call.actor, file_id)
    first = next(chunks, b"")  # what S3 refuses is told as an error, not as a body that breaks off
    return StreamingHttpResponse(chain([first], chunks), content_type="application/octet-stream")


def create_batch(call: Call) -> Answer:
    try:
        body = json.loads(call.request.body)
    except (ValueError, RecursionError) as error:
        raise UserError(f"We could not parse the JSON body of your request: {error}") from error
    headers = call.request.headers
    asked = domain.read_request(body, role_arn=headers.get(ROLE, ""))
    key = headers.get("Idempotency-Key", "")
    return batch_object(domain.create_batch(call.connection, call.actor, asked, key=key))


def list_batches(call: Call) -> Answer:
    limit = _limit(call, unasked=BATCHES_UNASKED, most=BATCHES_AT_ONCE)
    after = call.request.GET.get("after", "")
    found = domain.list_batches(call.connection, call.actor, after=after, limit=limit + 1)
    return list_object([batch_object(each) for each in found], limit=limit)


def get_batch(call: Call, batch_id: str) -> Answer:
    return batch_object(domain.find_batch(call.connection, call.actor, batch_id))


def cancel_batch(call: Call, batch_id: str) -> Answer:
    return batch_object(domain.cancel_batch(call.connection, call.actor, batch_id))


def list_models(call: Call) -> Answer:
    """List the names that lines may use: those of the connection's map, and the catalogue's models for batch jobs."""
    require(call.actor, Right.VIEW, call.connection)
    names = {name: model_id for name, model_id in call.connection.openai_models.items() if "*" not in name}
    owners = {model.model_id: model.provider for model in catalogue.models() if model.batch}
    known = {name: catalogue.find_model(model_id) for name, model_id in names.items()}
    listed = {name: model.provider if model else "bedrock" for name, model in known.items()} | owners
    data = [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name, owner in listed.items()]
    return {"object": "list", "data": data}


files = takes_files(max_bytes=stored.MOST_BYTES + ENVELOPE_BYTES)(by_method(GET=list_files, POST=upload_file))
file = by_method(GET=get_file, DELETE=delete_file)
content = by_method(GET=read_content)
batches = by_method(GET=list_batches, POST=create_batch)
batch = by_method(GET=get_batch)
cancel = by_method(POST=cancel_batch)
models = by_method(GET=list_models)
