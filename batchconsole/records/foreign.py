"""Reading lines of other providers' batch files into neutral words. Nothing is dropped silently: a member that has no
place in the neutral request is kept under its own name, for the writer to carry or to refuse.

Sources: OpenAI's API reference (chat completions, completions, embeddings, responses, batches), Anthropic's Messages
API reference and Message Batches guide.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request
from batchconsole.records.foreign_anthropic import read_anthropic
from batchconsole.records.foreign_members import Body, Members, says_nothing
from batchconsole.records.foreign_openai import read_chat, read_completion, read_embedding, read_responses


class ForeignLine(msgspec.Struct, frozen=True):
    """A line of another batch format: what it is called, the id and body it carries, and the member that holds it.

    ``family`` is what the body is, whatever the line around it: ``openai_chat``, ``anthropic``, or one of OpenAI's
    other endpoints, ``embedding``, ``responses`` and ``completion``.
    """

    title: str
    record_id: str
    family: str
    body: Body
    where: str


def foreign_line(line: dict[str, Any]) -> ForeignLine | None:
    """*line* as a line of OpenAI's or Anthropic's own batch format, ``None`` when it is neither.

    Sources: OpenAI's batch guide (``custom_id, method, url, body``), Anthropic's Message Batches guide (``custom_id,
    params``).
    """
    record_id = line.get("custom_id")
    if not isinstance(record_id, str):
        return None
    for where, title in (("body", "OpenAI batch"), ("params", "Anthropic batch")):
        body = line.get(where)
        if isinstance(body, dict):
            return ForeignLine(title, record_id, _kind(body, str(line.get("url") or ""), where), body, where)
    return None


def _kind(body: Body, url: str, where: str) -> str:
    if "messages" in body:
        is_openai = _looks_openai(body) or (where == "body" and not _looks_anthropic(body))
        return "openai_chat" if is_openai else "anthropic"
    if "prompt" in body:
        return "completion"
    if "input" in body:
        is_responses = url.rstrip("/").endswith("/responses") or "instructions" in body or "max_output_tokens" in body
        return "responses" if is_responses else "embedding"
    return "anthropic" if where == "params" else "openai_chat"


def _looks_openai(body: Body) -> bool:
    roles = [message.get("role") for message in _dicts(body["messages"])]
    return any(role in roles for role in ("system", "developer", "tool")) or any(
        "function" in tool for tool in _dicts(body.get("tools"))
    )


def _looks_anthropic(body: Body) -> bool:
    return bool({"system", "anthropic_version", "stop_sequences", "thinking"} & body.keys()) or any(
        "input_schema" in tool for tool in _dicts(body.get("tools"))
    )


def read_foreign(line: ForeignLine) -> Request:
    """The request of *line* in neutral words; what these have no word for is in its ``extra``.

    Raises :class:`Unreadable` for a part that cannot be read.
    """
    given = {name: value for name, value in line.body.items() if not says_nothing(name, value)}
    return READERS[line.family](Members(line.where, given))


def _dicts(values: Any) -> Iterator[Body]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


READERS: dict[str, Callable[[Members], Request]] = {
    "openai_chat": read_chat,
    "anthropic": read_anthropic,
    "embedding": read_embedding,
    "completion": read_completion,
    "responses": read_responses,
}
