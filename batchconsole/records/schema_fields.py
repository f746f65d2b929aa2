"""Output schemas from people: built from named fields or pasted as JSON, with error messages."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from batchconsole.records.output_schemas import find_misfits
from batchconsole.records.repair import BROKEN

MOST_CHARACTERS = 100_000
NAME = "answer"  # the schema's name where a format requires one
TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "string": ("Text", {"type": "string"}),
    "integer": ("Whole number", {"type": "integer"}),
    "number": ("Number", {"type": "number"}),
    "boolean": ("True or false", {"type": "boolean"}),
    "date": ("Date", {"type": "string", "format": "date"}),
    "strings": ("List of texts", {"type": "array", "items": {"type": "string"}}),
    "numbers": ("List of numbers", {"type": "array", "items": {"type": "number"}}),
}


class SchemaField(msgspec.Struct, frozen=True, kw_only=True):
    """A top-level field of an answer. ``kind`` is a key of :data:`TYPES`."""

    name: str
    kind: str = "string"
    description: str = ""
    required: bool = True


class SchemaError(ValueError):
    """The text is not an output schema that Bedrock takes. ``str(error)`` says what is wrong and at which path."""


def schema_of(fields: Sequence[SchemaField]) -> dict[str, Any]:
    """Return the JSON Schema of an object with exactly *fields*."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: SchemaField) -> dict[str, Any]:
    described = {"description": field.description} if field.description else {}
    return {**TYPES[field.kind][1], **described}


@lru_cache(64)
def read_output_schema(text: str, *, closed: bool = False) -> dict[str, Any]:
    """Parse and check the schema in *text*. Raises :class:`SchemaError`.

    The result is cached, so callers must not modify it. For *closed*, see
    :func:`~batchconsole.records.output_schemas.find_misfits`.
    """
    if len(text) > MOST_CHARACTERS:
        raise SchemaError(f"The schema is longer than {MOST_CHARACTERS:,} characters.")
    try:
        schema = msgspec.json.decode(text)
    except (*BROKEN, ValueError) as error:
        raise SchemaError(f"The schema is not JSON: {error}.") from error
    misfits = find_misfits(text, closed=closed)
    if misfits:
        said = "; ".join(f"{misfit.path}: {misfit.found}, expected {misfit.expected}" for misfit in misfits[:3])
        more = f"; and {len(misfits) - 3} more" if len(misfits) > 3 else ""
        raise SchemaError(f"Bedrock does not take this schema. {said}{more}.")
    found: dict[str, Any] = schema
    return found
