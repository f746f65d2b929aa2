"""The columns that an output schema defines: its top-level fields, each with one kind of cell."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

MOST_SCHEMA_DEPTH = 60  # the validator itself gives up at 255 levels
MOST_COLUMNS = 100
MOST_NAME_CHARACTERS = 200
INT64 = range(-(2**63), 2**63)

Kind = Literal["string", "integer", "number", "boolean", "json"]
Cell = str | int | float | bool | None


class Column(msgspec.Struct, frozen=True):
    """A field of the answers, as the schemas define it. ``json`` is any JSON, shown as text."""

    name: str
    kind: Kind


def cell(value: Any, kind: Kind) -> Cell:
    """Return *value* as a cell of a column of that *kind*; ``None`` if it is null or of another type."""
    if value is None:
        return None
    return _CELLS[kind](value)


def merged(columns: dict[str, Kind], more: Iterable[Column]) -> None:
    """Add *more* to *columns*. A field with two types becomes a number if both are numeric, and text otherwise."""
    for column in more:
        known = columns.get(column.name)
        if known is None and len(columns) < MOST_COLUMNS:
            columns[column.name] = column.kind
        elif known is not None and known != column.kind:
            columns[column.name] = "number" if {known, column.kind} == {"integer", "number"} else "json"


def read_columns(schema: dict[str, Any]) -> Iterator[Column]:
    """Yield the top-level fields that *schema* defines."""
    properties = _resolved(schema, schema).get("properties")
    for name, node in list(properties.items() if isinstance(properties, dict) else ())[:MOST_COLUMNS]:
        if len(name) <= MOST_NAME_CHARACTERS:
            yield Column(name, _kind(schema, node))


def _resolved(schema: dict[str, Any], node: Any) -> dict[str, Any]:
    """Return what *node* stands for: its reference's target, its only alternative to null, its only part, or itself."""
    for _ in range(MOST_SCHEMA_DEPTH):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        alternatives = [item for item in _list(node, "anyOf") + _list(node, "allOf") if item != {"type": "null"}]
        if isinstance(reference, str) and reference.startswith("#/"):
            node = target(schema, reference)
        elif "type" not in node and len(alternatives) == 1:
            node = alternatives[0]
        else:
            return node
    return {}


def _list(node: dict[str, Any], name: str) -> list[Any]:
    found = node.get(name)
    return found if isinstance(found, list) else []


def _kind(schema: dict[str, Any], node: Any) -> Kind:
    node = _resolved(schema, node)
    given = node.get("type")
    if given is None:
        given = [_type_of(value) for value in [*_list(node, "enum"), *([node["const"]] if "const" in node else [])]]
    names = {name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)} - {"null"}
    if names == {"integer", "number"}:
        return "number"
    found = names.pop() if len(names) == 1 else "json"
    return found if found in ("string", "integer", "number", "boolean") else "json"  # type: ignore[return-value] # one of Kind


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "json")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _as_integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in INT64 else None


def _as_number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


_CELLS: dict[Kind, Callable[[Any], Cell]] = {
    "string": _as_text,
    "json": _as_text,
    "integer": _as_integer,
    "number": _as_number,
    "boolean": lambda value: value if isinstance(value, bool) else None,
}


def target(schema: Any, reference: str) -> Any:
    node = schema
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if isinstance(node, dict) else None
    return node
