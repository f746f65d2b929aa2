"""The line formats of a job's input records and output answers. Calls no model.

Two APIs create jobs: CreateModelInvocationJob, with a ``modelInput`` in each line and errors among the answers, and
OpenAI's batches, with a chat completions request in each line and errors in a separate file. Shapes:
https://platform.openai.com/docs/api-reference/batch/request-input, and request-output.
"""

import uuid
from typing import Any, Protocol

import msgspec

from batchconsole.localbedrock.jobs import Job
from batchconsole.localbedrock.lines import NotARecord, read_envelope, record_id
from batchconsole.localbedrock.modelservers.base import RecordRefused
from batchconsole.localbedrock.openai_api.errors import error_object

CHAT_COMPLETIONS = "/v1/chat/completions"
EXPIRED = "This request could not be executed before the completion window expired."


class Record(msgspec.Struct, frozen=True):
    """A record of a file: the request ``body`` exactly as written, and the id that its answer repeats."""

    body: msgspec.Raw
    identifier: Any


class RecordFormat(Protocol):
    """A line format. ``errors_apart``: errors, also of records left at the timeout, go into a separate file."""

    errors_apart: bool

    def read(self, line: bytes, number: int) -> Record:
        """Return the record in *line*, the *number*-th of its file. Raises :class:`NotARecord` if *line* is invalid."""

    def success(self, record: Record, output: dict[str, Any]) -> bytes:
        """Return the output line, without its line feed, for the model's *output*."""

    def refusal(self, record: Record, error: RecordRefused) -> bytes:
        """Return the output line, without its line feed, for a record that the model refuses."""


def format_of(job: Job) -> RecordFormat:
    """Return the format of *job*'s lines."""
    return ChatRequests() if job.api == "openai" else ModelInputs()


class ModelInputs:
    """``{"recordId": ..., "modelInput": ...}`` in, ``{"modelInput", "modelOutput" or "error", "recordId"}`` out."""

    errors_apart = False

    def read(self, line: bytes, number: int) -> Record:
        envelope = read_envelope(line)
        return Record(envelope.modelInput, record_id(envelope, number))

    def success(self, record: Record, output: dict[str, Any]) -> bytes:
        answer = {"modelInput": record.body, "modelOutput": output, "recordId": record.identifier}
        return msgspec.json.encode(answer)

    def refusal(self, record: Record, error: RecordRefused) -> bytes:
        body = {"errorCode": error.code, "errorMessage": str(error)}
        return msgspec.json.encode({"modelInput": record.body, "error": body, "recordId": record.identifier})


class _ChatLine(msgspec.Struct):
    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


_chat_line = msgspec.json.Decoder(_ChatLine)


class ChatRequests:
    """``{"custom_id", "method", "url", "body"}`` in, ``{"id", "custom_id", "response", "error"}`` out."""

    errors_apart = True

    def read(self, line: bytes, number: int) -> Record:
        try:
            line.decode()
            request = _chat_line.decode(line)
        except msgspec.ValidationError as error:
            raise NotARecord(str(error), code="missing_required_parameter") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NotARecord(f"not valid JSON: {error}", code="invalid_json_line") from error
        if request.method != "POST":
            raise NotARecord(f"method is {request.method!r} and must be 'POST'", code="invalid_method")
        if request.url != CHAT_COMPLETIONS:
            raise NotARecord(f"url is {request.url!r} and must be {CHAT_COMPLETIONS!r}", code="invalid_url")
        if not bytes(request.body).startswith(b"{"):
            raise NotARecord("body is not a JSON object", code="invalid_request")
        return Record(request.body, request.custom_id)

    def success(self, record: Record, output: dict[str, Any]) -> bytes:
        return self._line(record, response=_response(200, output), error=None)

    def refusal(self, record: Record, error: RecordRefused) -> bytes:
        if isinstance(error, WindowExpired):
            return self._line(record, response=None, error={"code": "batch_expired", "message": EXPIRED})
        body = {"error": error_object(error.code, str(error))}
        return self._line(record, response=_response(error.code, body), error=None)

    def _line(self, record: Record, **members: Any) -> bytes:
        named = {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": record.identifier}
        return msgspec.json.encode(named | members)


class WindowExpired(RecordRefused):
    """The job reached its timeout before the record was answered."""

    def __init__(self) -> None:
        super().__init__(408, EXPIRED)


def _response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": uuid.uuid4().hex, "body": body}
