"""Preview the first records of a file as the model will see them: their turns and settings."""

from collections.abc import Iterator
from typing import Any

import msgspec

from batchconsole.records.families import AnyFamily, family_for
from batchconsole.records.families.base import Refusal, Request
from batchconsole.records.inspection import UNREADABLE
from batchconsole.records.wording import invalid_json

MAX_CHARACTERS = 2000  # per turn
MAX_TURNS = 12  # per record
SETTINGS = ("max_tokens", "temperature", "top_p", "top_k", "stop", "dimensions")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``left_out`` counts the characters cut off after ``text``."""

    role: str
    text: str
    left_out: int = 0


class RecordPreview(msgspec.Struct, frozen=True, kw_only=True):
    """One record. If the model would refuse it, ``error`` says why, and the only turn is the line itself.

    ``turns_left_out`` counts the turns omitted in the middle. ``settings`` are pairs of name and value.
    """

    line: int
    record_id: str = ""
    turns: list[Turn] = msgspec.field(default_factory=list)
    turns_left_out: int = 0
    settings: list[tuple[str, str]] = msgspec.field(default_factory=list)
    error: str = ""


def preview(head: bytes, *, whole: bool, model_id: str, invocation_type: str, count: int = 3) -> list[RecordPreview]:
    """Return the first *count* records in *head*, the start of a file, or all of it if *whole*.

    Blank lines are skipped. Unless *whole*, the last line is skipped too, as it may be cut off, so the list may be
    empty. Never raises.
    """
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    family = family_for(model_id, invocation_type)
    filled = [(number, line) for number, line in enumerate(lines if whole else lines[:-1], 1) if line.strip()]
    return [_record(number, line, family, model_id) for number, line in filled[:count]]


def _record(number: int, line: bytes, family: AnyFamily | None, model_id: str) -> RecordPreview:
    try:
        record = msgspec.json.decode(line)
    except UNREADABLE as error:
        return _as_it_is(number, line, invalid_json(number, error))
    if not isinstance(record, dict) or not isinstance(record.get("modelInput"), dict):
        return _as_it_is(number, line, "The line is not a record with a modelInput.")
    record_id = str(record.get("recordId", ""))[:MAX_CHARACTERS]
    if family is None:
        return RecordPreview(line=number, record_id=record_id, turns=[_turn("modelInput", _pretty(record))])
    try:
        request = family.read_request(record["modelInput"], model_id=model_id)
    except Refusal as refusal:
        return msgspec.structs.replace(_as_it_is(number, line, str(refusal)), record_id=record_id)
    return _as_seen(number, record_id, request)


def _as_it_is(number: int, line: bytes, error: str) -> RecordPreview:
    return RecordPreview(line=number, turns=[_turn("line", line.decode("utf-8", "replace"))], error=error)


def _as_seen(number: int, record_id: str, request: Request) -> RecordPreview:
    turns = [_turn("text to embed", request.embed)] if request.embed is not None else list(_turns(request.messages))
    left_out = max(len(turns) - MAX_TURNS, 0)
    shown = turns[: MAX_TURNS // 2] + turns[len(turns) - MAX_TURNS // 2 :] if left_out else turns
    return RecordPreview(
        line=number, record_id=record_id, turns=shown, turns_left_out=left_out, settings=list(_settings(request))
    )


def _turns(messages: list[dict[str, Any]]) -> Iterator[Turn]:
    for message in messages:
        calls = [f"[calls {call['function']['name']}: {call['function']['arguments']}]" for call in _calls(message)]
        yield _turn(message["role"], "\n".join([*_texts(message.get("content")), *calls]))


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    return message.get("tool_calls") or []


def _texts(content: Any) -> Iterator[str]:
    """Yield the texts of an OpenAI message content, with a placeholder for everything else."""
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        kind = part.get("type", "")
        if kind == "text":
            yield part["text"]
        elif kind == "image_url":
            yield f"[image{_place(part['image_url'].get('url', ''))}]"
        else:
            yield f"[{kind or 'content'}]"


def _place(url: str) -> str:
    return "" if url.startswith("data:") else f" {url}"


def _settings(request: Request) -> Iterator[tuple[str, str]]:
    for name in SETTINGS:
        value = getattr(request, name)
        if value is not None and value != []:
            yield name, ", ".join(map(repr, value)) if isinstance(value, list) else str(value)
    if request.tools:
        yield "tools", ", ".join(str(tool.get("function", {}).get("name", "")) for tool in request.tools)


def _turn(role: str, text: str) -> Turn:
    return Turn(role=role, text=text[:MAX_CHARACTERS], left_out=max(len(text) - MAX_CHARACTERS, 0))


def _pretty(record: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(record["modelInput"]), indent=2).decode()
