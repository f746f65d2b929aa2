"""Answers of any model in the shape of OpenAI's API: chat completions, embeddings, and the lines of a batch's files.

Source: OpenAI's API reference, chat completion object, embedding object, batch request output.
"""

import base64
import hashlib
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records import repair
from batchconsole.records.families.answers import READERS, Parts, as_json
from batchconsole.records.families.token_counts import counted
from batchconsole.records.openai_errors import error_object
from batchconsole.records.openai_lines import EMBEDDINGS, Line
from batchconsole.records.output_lines import Record

Body = dict[str, Any]
# The stop reasons of Converse and of each family in OpenAI's words; any other is "stop".
FINISH_REASONS = {
    **dict.fromkeys(("max_tokens", "length", "LENGTH", "MAX_TOKENS", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("tool_use", "tool_calls"), "tool_calls"),
    **dict.fromkeys(
        ("content_filtered", "guardrail_intervened", "CONTENT_FILTERED", "content_filter", "refusal"), "content_filter"
    ),
}
STATUS_OF_CODE = {"ThrottlingException": 429, "ModelTimeoutException": 408, "InternalServerException": 500}


class Usage(msgspec.Struct, frozen=True):
    """The tokens of one answer; ``input`` includes those read from and written to a prompt cache."""

    input: int = 0
    output: int = 0
    cached: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the output file, or of the error file if ``is_error``, and the tokens that it took.

    ``kind`` is the type of a result of a Message Batch, whose results are all in one file.
    """

    line: bytes
    is_error: bool
    usage: Usage = Usage()
    kind: str = ""


class _Output(msgspec.Struct):
    model_output: Any = msgspec.field(default=None, name="modelOutput")


_decode = msgspec.json.Decoder(_Output).decode
_encode = msgspec.json.Encoder().encode


class _Message(Parts):
    """The parts of an answer with tool calls apart from its text."""

    __slots__ = ("refused", "requested")

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[tuple[str, str]] = []
        self.refused: str | None = None

    def call(self, name: Any, arguments: Any) -> None:
        if arguments is not None:
            text = arguments if isinstance(arguments, str) else as_json(arguments)
            self.requested.append((str(name or ""), text))

    def refusal(self, value: Any) -> None:
        if isinstance(value, str) and value:
            self.refused, self.stop_reason = value, "refusal"


def request_id(batch_id: str, custom_id: str) -> str:
    """Return the id of a request within its batch: the same whenever its answer is written."""
    return hashlib.sha256(f"{batch_id}\n{custom_id}".encode(errors="surrogatepass")).hexdigest()[:32]


def answered(line: Line, record: Record, *, model_id: str, batch_id: str, created: int) -> Reply:
    """Return the reply with the answer or the error in the output line *record*."""
    key = request_id(batch_id, line.custom_id)
    if record.error_message is not None:
        return _refused(line, record, key)
    output = model_output(record.raw)
    usage = usage_of(output)
    if line.endpoint == EMBEDDINGS:
        body = embedding_list(output, model_id=model_id, usage=usage, is_base64=line.is_base64)
    else:
        body = chat_completion(output, answer_id=f"chatcmpl-{key}", model_id=model_id, usage=usage, created=created)
    response = {"status_code": 200, "request_id": f"req_{key}", "body": body}
    return Reply(line=_line(line, key, response, None), is_error=False, usage=usage)


def unanswered(line: Line, *, batch_id: str, code: str, message: str) -> Reply:
    """Return the reply to a request that was not executed."""
    key = request_id(batch_id, line.custom_id)
    return Reply(line=_line(line, key, None, {"code": code, "message": message}), is_error=True)


def _line(line: Line, key: str, response: Body | None, error: Body | None) -> bytes:
    return told_line({"id": f"batch_req_{key}", "custom_id": line.custom_id, "response": response, "error": error})


def told_line(told: Body) -> bytes:
    """Return *told* as a line of JSON."""
    try:
        return _encode(told) + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair in an answer, which JSON can only escape
        return as_json(told).encode() + b"\n"


def _refused(line: Line, record: Record, key: str) -> Reply:
    status = status_of(record.error_code)
    body = {"error": error_object(status, record.error_message or "")}
    response = {"status_code": status, "request_id": f"req_{key}", "body": body}
    return Reply(line=_line(line, key, response, None), is_error=True)


def status_of(code: int | str | None) -> int:
    """Return the HTTP status for the error code of a record: a status or the name of an exception."""
    text = str(code)
    if text.isascii() and text.isdecimal() and 400 <= int(text[:4]) < 600:
        return int(text)
    return STATUS_OF_CODE.get(text, 400)


def model_output(raw: bytes) -> Any:
    """Return the response body in an output line; ``None`` if it cannot be read."""
    try:
        return _decode(raw).model_output
    except repair.BROKEN:
        pass
    try:
        return repair.decode_object(raw).get("modelOutput")
    except (*repair.BROKEN, ValueError):
        return None


def usage_of(output: Any) -> Usage:
    """Return the tokens in the response body *output*; zero where it does not count them."""
    if not isinstance(output, dict):
        return Usage()
    found = counted(output)
    cached = found.cache_read_tokens or 0
    includes_cached = "choices" in output  # OpenAI's own input count
    extra = 0 if includes_cached else cached + (found.cache_write_tokens or 0)
    return Usage((found.input_tokens or 0) + extra, found.output_tokens or 0, cached)


def chat_completion(output: Any, *, answer_id: str, model_id: str, usage: Usage, created: int) -> Body:
    """Return a chat completion for the response body *output*; one that has that shape already is kept as it is."""
    if isinstance(output, dict) and output.get("object") == "chat.completion":
        return output
    message = _message(output)
    told: Body = {
        "role": "assistant",
        "content": "\n".join(message.lines) if message.lines or not message.requested else None,
        "refusal": message.refused,
    }
    if message.thoughts:
        told["reasoning_content"] = "\n".join(message.thoughts)
    if message.requested:
        told["tool_calls"] = list(_tool_calls(output, message.requested, answer_id))
    finish = "tool_calls" if message.requested else FINISH_REASONS.get(message.stop_reason or "", "stop")
    return {
        "id": answer_id,
        "object": "chat.completion",
        "created": created,
        "model": model_id,
        "choices": [{"index": 0, "message": told, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        },
    }


def _message(output: Any) -> _Message:
    parts = _Message()
    if not isinstance(output, dict):
        parts.text(output if isinstance(output, str) else as_json(output))
        return parts
    for mark, read in READERS:
        if output.get(mark) is not None:
            read(output, parts)
            return parts
    parts.line(as_json(output))
    return parts


def _tool_calls(output: Any, requested: list[tuple[str, str]], answer_id: str) -> Iterator[Body]:
    ids = list(_call_ids(output))
    if len(ids) != len(requested):
        ids = [f"call_{answer_id[-24:]}{number}" for number in range(len(requested))]
    for call_id, (name, arguments) in zip(ids, requested, strict=True):
        yield {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _call_ids(value: Any) -> Iterator[str]:
    """Yield the ids of the tool calls in a body: Converse's ``toolUseId``, and ``id`` beside an ``input`` or function.

    A model that was asked to call tools is told their results under these ids.
    """
    if isinstance(value, list):
        for item in value:
            yield from _call_ids(item)
    elif isinstance(value, dict):
        called = value.get("toolUseId") or (value.get("id") if {"input", "function"} & value.keys() else None)
        if isinstance(called, str):
            yield called
        else:
            for name in ("output", "message", "content", "toolUse", "choices", "tool_calls"):
                yield from _call_ids(value.get(name))


def embedding_list(output: Any, *, model_id: str, usage: Usage, is_base64: bool) -> Body:
    """Return the vector in the response body *output* as a list of one embedding, as floats or as base64 of float32."""
    vector = _vector(output)
    told = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if is_base64 else vector
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": told}],
        "model": model_id,
        "usage": {"prompt_tokens": usage.input, "total_tokens": usage.input},
    }


def _vector(output: Any) -> list[float]:
    body = output if isinstance(output, dict) else {}
    found = body.get("embedding") or (body.get("embeddingsByType") or {}).get("float") or []
    return [float(number) for number in found]
