"""Whatever member a line of another provider's batch has, at whatever level, is carried or refused by its name."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from batchconsole.records.making import convert_records
from batchconsole.records.tables import TableError

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DATA_URL = f"data:image/png;base64,{PNG}"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"q":1}'}}
Step = str | int

OPENAI = {
    "messages": [
        {"role": "system", "content": "S"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "U"}, {"type": "image_url", "image_url": {"url": DATA_URL}}],
        },
        {"role": "assistant", "content": "A", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "R"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "D", "parameters": SCHEMA}}],
}
RESPONSES = {
    "instructions": "S",
    "input": [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "U"}, {"type": "input_image", "image_url": DATA_URL}],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A"}]},
        {"role": "user", "content": "Z"},
    ],
}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "R"}]}
ANTHROPIC = {
    "max_tokens": 50,
    "system": [{"type": "text", "text": "S"}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "U"}, IMAGE]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "A"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"q": 1}},
            ],
        },
        {"role": "user", "content": [RESULT]},
    ],
    "tools": [{"name": "f", "description": "D", "input_schema": SCHEMA}],
}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "S"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "U"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
        {"role": "model", "parts": [{"text": "A"}, {"functionCall": {"name": "f", "args": {"q": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": "R"}}}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "f", "description": "D", "parameters": SCHEMA}]}],
    "generationConfig": {"maxOutputTokens": 50},
}
LINES: dict[str, dict[str, Any]] = {
    "OpenAI chat": {"custom_id": "c", "url": "/v1/chat/completions", "body": OPENAI},
    "OpenAI responses": {"custom_id": "c", "url": "/v1/responses", "body": RESPONSES},
    "Anthropic": {"custom_id": "c", "params": ANTHROPIC},
    "Gemini": {"key": "c", "request": GEMINI},
    "Vertex AI": {"custom_id": "c", "request": {"anthropic_version": "vertex-2023-10-16"} | ANTHROPIC},
}


def objects(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """The path of every object in *value*."""
    if isinstance(value, dict):
        yield path
        for name, inner in value.items():
            yield from objects(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from objects(inner, (*path, place))


def with_marker(line: dict[str, Any], path: tuple[Step, ...]) -> dict[str, Any]:
    """*line* with one member more in the object at *path*."""
    marked = copy.deepcopy(line)
    inner: Any = marked
    for step in path:
        inner = inner[step]
    inner["marker"] = "marked"
    return marked


def told(line: dict[str, Any], shape: str) -> str:
    """What becomes of *line*: the body it is converted to, or why it is refused."""
    try:
        return json.dumps(next(convert_records([line], shape=shape)).body)
    except TableError as error:
        return str(error)


@pytest.mark.parametrize("shape", ["anthropic", "nova", "openai_chat", "converse"])
@pytest.mark.parametrize("name", LINES)
def test_no_member_is_dropped_at_any_level(name: str, shape: str) -> None:
    line = LINES[name]
    if told(line, shape).startswith("Row 1"):  # refused as it is, for its tools say
        return
    dropped = [path for path in objects(line) if "marke" not in told(with_marker(line, path), shape)]
    assert not dropped
