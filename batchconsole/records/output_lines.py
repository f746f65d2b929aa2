"""Read one line of a job's output or input for display.

Output lines are ``{"recordId", "modelInput", "modelOutput"}``; a failed record has ``"error": {"errorCode",
"errorMessage"}`` instead of ``modelOutput``. Their order differs from the input's. Lines of OpenAI's batches are
``{"custom_id", "response": {"status_code", "body"}, "error"}``.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from batchconsole.records import repair
from batchconsole.records.families import AnyFamily
from batchconsole.records.families.answers import as_json, read_answer
from batchconsole.records.families.base import Answer, Call
from batchconsole.records.recognition import loose_text

UNREADABLE = "The output line could not be read."
NO_OUTPUT = "The record has no output."


class Record(msgspec.Struct, kw_only=True):
    """One output line, read for display.

    ``error_message`` is ``None`` if the record succeeded. Token counts are ``None`` if the response has none. ``raw``
    is the line itself.
    """

    record_id: str = ""
    question: str = ""
    answer: str = ""
    reasoning: str = ""
    stop_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    error_code: int | str | None = None
    error_message: str | None = None
    raw: bytes = b""
    calls: Sequence[Call] = ()

    @property
    def text(self) -> str:
        """The answer, under the name it has in :class:`Answer`."""
        return self.answer

    @property
    def is_error(self) -> bool:
        return self.error_message is not None


class _Line(msgspec.Struct):
    """Any output line that is an object."""

    record_id: Any = msgspec.field(default=None, name="recordId")
    model_input: Any = msgspec.field(default=None, name="modelInput")
    model_output: Any = msgspec.field(default=None, name="modelOutput")
    error: Any = None
    custom_id: Any = None
    response: Any = None


_decode_line = msgspec.json.Decoder(_Line).decode
# Names that services use for the code and the message of an error. AWS batch jobs use the first of each.
_CODES = ("errorCode", "code", "Code", "status_code", "statusCode", "status", "__type", "type", "errorType")
_MESSAGES = ("errorMessage", "message", "Message", "msg", "detail", "reason", "description")


def read_line(line: bytes, family: AnyFamily | None) -> Record:
    """Read an output *line*. *family* reads the question; if it finds none, common fields of the body do.

    Never raises: a line that is not a JSON object gives a record with an error message.
    """
    try:
        decoded = _decoded(line)
    except ValueError:
        return Record(record_id=repair.record_id(line), error_message=UNREADABLE, raw=line)
    body = decoded.model_input if isinstance(decoded.model_input, dict) else {}
    record = Record(
        record_id=next((name for name in (decoded.record_id, decoded.custom_id) if isinstance(name, str)), ""),
        question=(family.prompt_text(body) if family else "") or loose_text(body),
        raw=line,
    )
    output, error = _outcome(decoded)
    if output is not None:
        _add_answer(record, read_answer(output))
    if error is not None:
        record.error_code, record.error_message = _code_and_message(error)
    elif output is None:
        record.error_message = NO_OUTPUT
    return record


def _decoded(line: bytes) -> _Line:
    try:
        return _decode_line(line)
    except repair.BROKEN:
        return msgspec.convert(repair.decode_object(line), _Line)


def _outcome(line: _Line) -> tuple[Any, Any]:
    """Return the output and the error of *line*, each ``None`` if missing."""
    output, error = line.model_output, line.error
    if isinstance(line.response, dict):
        output, status = line.response.get("body"), line.response.get("status_code")
        if isinstance(status, int) and status >= 400 and not error:
            inner = output.get("error") if isinstance(output, dict) else None
            if inner is None and isinstance(output, dict) and any(output.get(name) for name in _MESSAGES):
                inner = output  # vLLM's format
            return None, {"code": status} | (inner if isinstance(inner, dict) else {"message": inner or output})
    return output, error if error or output is None else None


def read_input_line(line: bytes, family: AnyFamily | None) -> Record:
    """Read an input *line*, which has no answer. Never raises."""
    record = read_line(line, family)
    return msgspec.structs.replace(record, error_code=None, error_message=None)


def _add_answer(record: Record, answer: Answer) -> None:
    record.answer, record.reasoning, record.stop_reason = answer.text, answer.reasoning, answer.stop_reason
    record.calls = answer.calls
    record.input_tokens, record.output_tokens = answer.input_tokens, answer.output_tokens
    record.cache_read_tokens, record.cache_write_tokens = answer.cache_read_tokens, answer.cache_write_tokens


def _code_and_message(error: Any) -> tuple[int | str | None, str]:
    """Return the code and message of a line's ``error`` of any type. Unknown content is shown as JSON."""
    if isinstance(error, list) and len(error) == 1:
        error = error[0]
    if not isinstance(error, dict):
        return None, (error if isinstance(error, str) else as_json(error)) or "The error says nothing."
    inner = next((error[name] for name in ("error", "Error") if isinstance(error.get(name), dict)), None)
    if inner is not None and not any(error.get(name) for name in _MESSAGES):
        error = {name: value for name, value in error.items() if value is not inner} | inner
    code = next((error[name] for name in _CODES if isinstance(error.get(name), int | str) and error[name] != ""), None)
    message = next((error[name] for name in _MESSAGES if error.get(name)), None)
    if message is not None:
        return code, message if isinstance(message, str) else as_json(message)
    if code is not None and not set(error) - set(_CODES) - set(_MESSAGES):
        return code, f"Error {code}, without a message."
    return code, as_json(error) if error else "The error says nothing."
