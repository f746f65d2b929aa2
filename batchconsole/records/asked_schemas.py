"""Where a request carries schemas: its output schema, and those of its strict tools, by the name of the member."""

from collections.abc import Callable
from typing import Any

import msgspec

from batchconsole.records.families.response_formats import claude_format, converse_format
from batchconsole.records.parsed_schemas import Schema, parse_schema
from batchconsole.records.repair import BROKEN

MOST_SCHEMA_BYTES = 256 * 1024
NOTHING = msgspec.Raw(b"")


class Asked(msgspec.Struct, gc=False):
    """The members of a request body that may hold a schema, as raw JSON."""

    converse: msgspec.Raw = msgspec.field(default=NOTHING, name="outputConfig")
    claude: msgspec.Raw = msgspec.field(default=NOTHING, name="output_config")
    claude_old: msgspec.Raw = msgspec.field(default=NOTHING, name="output_format")
    chat: msgspec.Raw = msgspec.field(default=NOTHING, name="response_format")
    additional: msgspec.Raw = msgspec.field(default=NOTHING, name="additionalModelRequestFields")
    tools: msgspec.Raw = NOTHING
    tool_config: msgspec.Raw = msgspec.field(default=NOTHING, name="toolConfig")


# The output schema in a request.


def _chat_schema(value: Any) -> Any:
    inner = value.get("json_schema") if isinstance(value, dict) else None
    return inner.get("schema") if isinstance(inner, dict) else None


def _of_format(found: dict[str, Any] | None) -> Any:
    return _chat_schema(found) if found else None


FORMATS: dict[str, Callable[[Any], Any]] = {
    "converse": lambda value: _of_format(converse_format(value)) if isinstance(value, dict) else None,
    "claude": lambda value: _of_format(claude_format(value, None)),
    "claude_old": lambda value: _of_format(claude_format(None, value)),
    "chat": _chat_schema,
    "additional": lambda value: (
        _of_format(claude_format(value.get("output_config"), value.get("output_format")))
        if isinstance(value, dict)
        else None
    ),
}


def schema_in(name: str, text: bytes) -> tuple[Schema | None, int]:
    """Return the output schema in the member *name* with the JSON *text*, ``None`` if it has none, and its weight."""
    if len(text) > MOST_SCHEMA_BYTES:
        return Schema(None, 1, ()), 1
    try:
        found = FORMATS[name](msgspec.json.decode(text))
    except (*BROKEN, ValueError):
        return Schema(None, 1, ()), 1
    schema = parse_schema(found) if isinstance(found, dict) else None
    return schema, schema.weight if schema else 1


# The strict tools in a request.


def tools_in(name: str, text: bytes) -> tuple[dict[str, Schema], int]:
    """Return the schemas of the strict tools in the member *name* with the JSON *text*, and their weight."""
    if len(text) > MOST_SCHEMA_BYTES:
        return {}, 1
    try:
        given = TOOLS[name](msgspec.json.decode(text))
    except (*BROKEN, ValueError):
        return {}, 1
    found = dict(filter(None, map(_strict_tool, given if isinstance(given, list) else ())))
    schemas = {tool: parse_schema(schema) for tool, schema in found.items()}
    return schemas, 1 + sum(schema.weight for schema in schemas.values())


def _strict_tool(given: Any) -> tuple[str, dict[str, Any]] | None:
    """Return the name and schema of a strict tool: flat (Claude's), or in ``function`` (OpenAI) or ``toolSpec``."""
    outer = given if isinstance(given, dict) else {}
    tool = next((outer[name] for name in ("function", "toolSpec") if isinstance(outer.get(name), dict)), outer)
    schema = next((tool[name] for name in ("input_schema", "parameters", "inputSchema") if name in tool), None)
    if "inputSchema" in tool:
        schema = schema.get("json") if isinstance(schema, dict) else None
    name = tool.get("name")
    return (name, schema) if tool.get("strict") is True and isinstance(name, str) and isinstance(schema, dict) else None


TOOLS: dict[str, Callable[[Any], Any]] = {
    "tools": lambda value: value,
    "tool_config": lambda value: value.get("tools") if isinstance(value, dict) else None,
    "additional": lambda value: value.get("tools") if isinstance(value, dict) else None,
}
