"""Reads lines of other providers' batch files into neutral requests, and never drops a member silently.

A member without a place in the neutral request is kept under its own name, for the writer to carry or refuse.

Sources: OpenAI's API reference (chat completions, completions, embeddings, responses, batches), Anthropic's Messages
API reference and Message Batches guide, Google's Gemini API guide (Batch API) and Vertex AI's guides (batch predictions
with Gemini, and with Claude). Azure, Mistral, Together, Fireworks, Groq and vLLM use OpenAI's lines, with or without
``method`` and ``url``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from batchconsole.records.families.base import Request
from batchconsole.records.foreign_anthropic import read_anthropic
from batchconsole.records.foreign_gemini import read_gemini, read_gemini_embedding
from batchconsole.records.foreign_members import Body, Members, Unreadable, says_nothing
from batchconsole.records.foreign_openai import read_chat, read_completion, read_embedding, read_responses


class ForeignLine(msgspec.Struct, frozen=True):
    """A line of another batch format: its title, id and body, and the member that holds the body.

    ``family`` is the format of the body, whatever the line around it: ``openai_chat``, ``anthropic``, ``gemini``,
    ``gemini_embedding``, or another OpenAI endpoint: ``embedding``, ``responses`` or ``completion``. The id is empty if
    the line has none. ``others`` are the names of all other members of the line.
    """

    title: str
    record_id: str
    family: str
    body: Body
    where: str
    others: tuple[str, ...] = ()


WRAPPERS = {"body": "OpenAI batch", "params": "Anthropic batch", "request": "Gemini batch"}
IDS = ("custom_id", "key", "id", "recordId")  # Google's own lines have a key; Vertex AI copies any column
AROUND = frozenset({"method", "url", "model", *IDS[:2]})


def foreign_line(line: dict[str, Any]) -> ForeignLine | None:
    """Return *line* as a line of OpenAI's, Anthropic's or Google's batch format; ``None`` if it is none of them.

    OpenAI's lines are ``custom_id, method, url, body``, Anthropic's ``custom_id, params``, the Gemini API's ``key,
    request``, and Vertex AI's ``request`` for Gemini and ``custom_id, request`` for Claude.
    """
    where = next((name for name in WRAPPERS if isinstance(line.get(name), dict)), None)
    if where is None or "modelInput" in line or not _is_wrapped(line, where):
        return None
    body, named = line[where], next((name for name in IDS if _is_id(line.get(name))), "")
    kind = _kind(body, str(line.get("url") or ""), where)
    title = "Vertex AI batch" if where == "request" and not kind.startswith("gemini") else WRAPPERS[where]
    others = tuple(name for name, value in line.items() if value and name not in (where, named, *AROUND))
    return ForeignLine(title, str(line.get(named, "")), kind, body, where, others)


def _is_wrapped(line: dict[str, Any], where: str) -> bool:
    """Whether *line* is a request rather than a table row with a column of that name."""
    if where == "request":
        return bool({"contents", "content", "messages"} & line[where].keys())
    return _is_id(line.get("custom_id")) or (where == "body" and {"method", "url"} <= line.keys())


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _kind(body: Body, url: str, where: str) -> str:
    if where == "request" and "messages" not in body:
        return "gemini" if "contents" in body else "gemini_embedding"
    if "messages" in body:
        is_openai = _looks_openai(body) or (where == "body" and not _looks_anthropic(body))
        return "openai_chat" if is_openai else "anthropic"
    if "prompt" in body:
        return "completion"
    if "input" in body:
        is_responses = url.rstrip("/").endswith("/responses") or "instructions" in body or "max_output_tokens" in body
        return "responses" if is_responses else "embedding"
    return "openai_chat" if where == "body" else "anthropic"


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
    """Return the neutral request of *line*; members without a field of their own are in its ``extra``.

    Raises :class:`Unreadable` for a part that cannot be read.
    """
    require_nothing_else(line)
    given = {name: value for name, value in line.body.items() if not says_nothing(name, value)}
    return READERS[line.family](Members(line.where, given))


def require_nothing_else(line: ForeignLine) -> None:
    """Raise :class:`Unreadable` if *line* has members besides its request and id."""
    for name in line.others:
        raise Unreadable(f"It has {name} beside its request, which has no place in the record.")


def _dicts(values: Any) -> Iterator[Body]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


READERS: dict[str, Callable[[Members], Request]] = {
    "openai_chat": read_chat,
    "anthropic": read_anthropic,
    "embedding": read_embedding,
    "completion": read_completion,
    "responses": read_responses,
    "gemini": read_gemini,
    "gemini_embedding": read_gemini_embedding,
}
