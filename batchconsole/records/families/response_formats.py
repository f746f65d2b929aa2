"""Translate each family's output schema into OpenAI's ``response_format``, which model servers take."""

from typing import Any

import msgspec

NAME = "answer"  # for a schema without a name; servers require one


def schema_format(schema: dict[str, Any], name: Any = None) -> dict[str, Any]:
    """Return the ``response_format`` for *schema*."""
    named = {"name": name if isinstance(name, str) and name else NAME, "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


def claude_format(output_config: Any, output_format: Any) -> dict[str, Any] | None:
    """Translate Claude's ``output_config.format``, or its old name ``output_format``."""
    given = output_config.get("format") if isinstance(output_config, dict) else None
    given = output_format if given is None else given
    schema = given.get("schema") if isinstance(given, dict) else None
    return schema_format(schema) if isinstance(schema, dict) else None


def converse_format(output_config: dict[str, Any] | None) -> dict[str, Any] | None:
    """Translate Converse's ``outputConfig.textFormat``, whose schema is a JSON string."""
    given: Any = output_config or {}
    for name in ("textFormat", "structure", "jsonSchema"):
        given = given.get(name) if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(given.get("schema"), str):
        return None
    schema = msgspec.json.decode(given["schema"])
    return schema_format(schema, given.get("name")) if isinstance(schema, dict) else None


def chat_format(response_format: Any) -> dict[str, Any] | None:
    """Return OpenAI's *response_format* if it requests JSON, else ``None``."""
    asks = isinstance(response_format, dict) and response_format.get("type") in ("json_schema", "json_object")
    return response_format if asks else None
