"""Make instances of a JSON Schema without a model: always the same for the same schema and text. No I/O."""

import hashlib
from typing import Any

MAX_DEPTH = 50  # for schemas that refer to themselves
EXAMPLES = {
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "date": "2026-01-31",
    "duration": "P1D",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
WORDS_OF_TEXT = 8
NUMBERS_BELOW = 10


def make_instance(schema: Any, text: str) -> Any:
    """Return an instance of *schema*, which should be in Bedrock's subset (``batchconsole.records.output_schemas``).

    Free strings repeat *text*, whose hash also selects among several values, so different texts get different values.
    Keywords outside the subset are ignored.
    """
    return _Maker(schema, text).make(schema, 0)


class _Maker:
    def __init__(self, root: Any, text: str) -> None:
        self._root = root
        self._text = " ".join(text.split()[:WORDS_OF_TEXT]) or "text"
        self._choice = int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest())

    def make(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if depth > MAX_DEPTH:
            return None
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._one_of(schema["enum"])
        kind = schema.get("type", _guessed_type(schema))
        kind = kind[0] if isinstance(kind, list) and kind else kind
        return self._of_type(kind, schema, depth)

    def _resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        """Return *schema* with its references, all parts of ``allOf`` and the first of ``anyOf`` merged into it."""
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return {}
        rest = {name: value for name, value in schema.items() if name not in ("$ref", "allOf", "anyOf")}
        parts = [self._target(schema["$ref"])] if "$ref" in schema else []
        parts += schema["allOf"] if isinstance(schema.get("allOf"), list) else []
        parts += schema["anyOf"][:1] if isinstance(schema.get("anyOf"), list) else []
        for part in parts:
            rest = _merged(rest, self._resolved(part, depth + 1))
        return rest

    def _target(self, reference: Any) -> Any:
        node = self._root
        for step in str(reference).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list):
                node = node[int(name)] if name.isdecimal() and int(name) < len(node) else None
            else:
                node = node.get(name) if isinstance(node, dict) else None
        return node

    def _of_type(self, kind: Any, schema: dict[str, Any], depth: int) -> Any:
        if kind == "object":
            properties = schema.get("properties")
            names = properties if isinstance(properties, dict) else {}
            return {name: self.make(below, depth + 1) for name, below in names.items()}
        if kind == "array":
            return [self.make(schema.get("items", {}), depth + 1)]
        if kind == "string":
            return EXAMPLES.get(str(schema.get("format")), self._text)
        if kind == "boolean":
            return self._choice % 2 == 0
        number = self._choice % NUMBERS_BELOW
        return {"integer": number, "number": number + 0.5}.get(str(kind))

    def _one_of(self, values: list[Any]) -> Any:
        return values[self._choice % len(values)]


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge two schemas: keep the properties of both and the enum values they share."""
    merged = one | other
    if "properties" in one and "properties" in other:
        merged["properties"] = one["properties"] | other["properties"]
    if "enum" in one and "enum" in other:
        merged["enum"] = [value for value in one["enum"] if value in other["enum"]]
    return merged


def _guessed_type(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"
