"""Reads the parts of a neutral request for the writers of bodies: texts, images, turns, tools and the output schema."""

import re
from collections.abc import Iterator
from typing import Any

from batchconsole.records.families.base import Request

EMPTY_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}  # for tools without parameters
_DATA_URL = re.compile(r"data:image/([a-z]+);base64,(.+)", re.DOTALL)
Body = dict[str, Any]


class Untranslatable(ValueError):
    """The format has no place for a part of the request; ``str(error)`` names the part, ``hint`` says what to do.

    ``path`` is the JSON path of what Bedrock would refuse in the body, if that is the reason.
    """

    path = ""
    hint = "Take it out of the lines, or choose another record format."


def set_members(**values: Any) -> Body:
    """Return *values* without those that are None, empty lists or empty objects."""
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def system_text(request: Request) -> str:
    return "\n".join(text_of(message) for message in request.messages if message["role"] == "system")


def turns_of(request: Request) -> Iterator[Body]:
    return (message for message in request.messages if message["role"] != "system")


def parts_of(message: Body) -> list[Body]:
    content = message.get("content") or []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(message: Body) -> str:
    """Return the message's text. Raises :class:`Untranslatable` if it has any other content."""
    parts = parts_of(message)
    if any(part.get("type") != "text" for part in parts):
        raise Untranslatable("It has images or files, for which this format has no place.")
    return "\n".join(part["text"] for part in parts)


def image_of(part: Body) -> tuple[str, str]:
    """Return the format and base64 data of an image part. Raises :class:`Untranslatable` unless it is a data URL."""
    url = (part.get("image_url") or {}).get("url", "") if part.get("type") == "image_url" else ""
    found = _DATA_URL.fullmatch(url)
    if not found:
        raise Untranslatable("It has media that are not images given as data. Bedrock does not fetch from the web.")
    return found[1].replace("jpg", "jpeg"), found[2]


def merge_turns(turns: Iterator[tuple[str, list[Body]]]) -> list[Body]:
    """Return the turns with consecutive turns of one role merged."""
    merged: list[Body] = []
    for role, blocks in turns:
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += blocks
        elif blocks:
            merged.append({"role": role, "content": blocks})
    return merged


def output_schema(request: Request) -> Body | None:
    """Return the ``json_schema`` object for answers. Raises :class:`Untranslatable` for other response formats."""
    form = request.extra.get("response_format")
    if form is None:
        return None
    inner = form.get("json_schema") if isinstance(form, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("schema"), dict):
        raise Untranslatable(
            "It sets response_format to something else than a JSON Schema, for which there is no place."
        )
    found: Body = inner
    return found


def described_schema(inner: Body) -> Body:
    """Return the schema with the description from beside it, for formats without a separate description."""
    schema: Body = inner["schema"]
    return set_members(description=inner.get("description")) | schema


def function_of(tool: Any) -> Body:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise Untranslatable("It has tools that are not functions, for which there is no place.")
    unknown = next(iter({*tool, *function} - {"type", "function", "name", "description", "parameters", "strict"}), None)
    if unknown:
        raise Untranslatable(f"It has tools with {unknown}, for which there is no place.")
    return function


def chosen_function(choice: Any) -> str:
    """Return the name of the function that must be called; empty if none is named."""
    return str((choice.get("function") or {}).get("name", "")) if isinstance(choice, dict) else ""


def one_text(request: Request) -> str:
    """Return the only turn's text after the system prompt. Raises :class:`Untranslatable` for a conversation."""
    if request.embed is not None:
        return request.embed
    turns = list(turns_of(request))
    if len(turns) != 1:
        raise Untranslatable("It is a conversation of several turns, and this format takes one text.")
    return "\n\n".join(filter(None, [system_text(request), text_of(turns[0])]))
