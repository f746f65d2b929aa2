"""Check JSON Schemas against the subset that Amazon Bedrock's structured outputs take. Pure: no I/O.

Bedrock checks an output schema against a subset of JSON Schema 2020-12 before the model sees the request, and refuses
anything else with a 400. Source: Amazon Bedrock User Guide, "Get validated JSON results from models" (2026-02). For
objects that must be closed: Anthropic, "Structured outputs", JSON Schema limitations.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

MAX_MISFITS = 20  # per schema
MAX_DEPTH = 200  # levels of nesting that are checked
MAX_STEPS = 200_000  # to find recursion; whether a schema that needs more is valid is left to Bedrock
DISTINCT_SCHEMAS = 256  # whose results are cached

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")

# Keywords of JSON Schema outside the subset. Unknown words, such as x-order, are ignored.
UNSUPPORTED = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems", "unevaluatedItems",
    "additionalItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "unevaluatedProperties",
    "dependentRequired", "dependentSchemas", "dependencies", "oneOf", "not", "if", "then", "else",
    "$dynamicRef", "$recursiveRef",
})  # fmt: skip
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf")


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a schema that Bedrock refuses.

    ``path`` is a JSON path in the schema (``$.properties.age.minimum``). ``keyword`` is the keyword at fault, or empty
    if a whole schema or subschema is. ``found`` and ``expected`` are plain words.
    """

    path: str
    keyword: str
    found: str
    expected: str


def find_misfits(schema: bytes | str | dict[str, Any], *, closed: bool = False) -> tuple[Misfit, ...]:
    """Return up to ``MAX_MISFITS`` parts of *schema* that structured outputs do not take, in document order.

    *schema* is the parsed schema or its JSON. With *closed*, every object must have ``additionalProperties: false``, as
    Claude requires. Results are cached, because many records carry the same schema. Never raises.
    """
    if isinstance(schema, dict):
        try:
            schema = msgspec.json.encode(schema)
        except (RecursionError, TypeError, ValueError):
            return (_whole("a schema that is no JSON", "a JSON Schema"),)
    try:
        return _misfits_of(schema.encode() if isinstance(schema, str) else schema, closed)
    except UnicodeEncodeError:
        return (_whole("half a surrogate pair", "a JSON Schema"),)


@lru_cache(DISTINCT_SCHEMAS)
def _misfits_of(text: bytes, closed: bool) -> tuple[Misfit, ...]:
    try:
        schema = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return (_whole("text that is not JSON", f"a JSON Schema as JSON ({error})"),)
    if not isinstance(schema, dict):
        return (_whole(f"JSON that is {_kind(schema)}", "a JSON Schema, which is an object"),)
    return tuple(_Look(schema, closed=closed).misfits())


def _whole(found: str, expected: str) -> Misfit:
    return Misfit(path="$", keyword="", found=found, expected=expected)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _step(path: str, name: str | int) -> str:
    return f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}"


class _Look:
    """The check of one schema: every rule is applied to each of its subschemas."""

    def __init__(self, schema: dict[str, Any], *, closed: bool) -> None:
        self.schema = schema
        self.closed = closed
        self.steps = 0

    def misfits(self) -> Iterator[Misfit]:
        found = 0
        for path, node, depth in self._nodes():
            for misfit in self._of_node(path, node, depth):
                yield misfit
                found += 1
                if found == MAX_MISFITS:
                    return

    def _nodes(self) -> Iterator[tuple[str, Any, int]]:
        """Yield every subschema with its path and depth, outer ones first."""
        waiting: list[tuple[str, Any, int]] = [("$", self.schema, 0)]
        while waiting:
            path, node, depth = waiting.pop()
            yield path, node, depth
            if isinstance(node, dict) and depth < MAX_DEPTH:
                waiting += reversed([(where, below, depth + 1) for where, below in _below(path, node)])

    def _of_node(self, path: str, node: Any, depth: int) -> Iterator[Misfit]:
        if isinstance(node, bool):
            return
        if not isinstance(node, dict):
            yield Misfit(path=path, keyword="", found=_kind(node), expected="a schema, which is an object")
        elif depth == MAX_DEPTH:
            yield Misfit(path=path, keyword="", found="a deeply nested schema", expected=f"{MAX_DEPTH} levels at most")
        else:
            for keyword, value in node.items():
                yield from self._of_keyword(path, keyword, value)
            if self.closed and node.get("type") == "object" and "additionalProperties" not in node:
                yield Misfit(
                    path=_step(path, "additionalProperties"),
                    keyword="additionalProperties",
                    found="nothing",
                    expected="additionalProperties: false in every object",
                )

    def _of_keyword(self, path: str, keyword: str, value: Any) -> Iterator[Misfit]:
        where = _step(path, keyword)
        if keyword in UNSUPPORTED:
            yield Misfit(path=where, keyword=keyword, found=keyword, expected=f"a schema without {keyword}")
        elif keyword == "$ref":
            yield from self._of_reference(where, value)
        elif expected := _RULES.get(keyword, _anything)(value):
            yield Misfit(path=where, keyword=keyword, found=_shown(value), expected=expected)

    def _of_reference(self, where: str, value: Any) -> Iterator[Misfit]:
        if not isinstance(value, str) or not value.startswith("#"):
            expected = "a reference inside the schema, such as #/$defs/name"
            yield Misfit(path=where, keyword="$ref", found=_shown(value), expected=expected)
        elif value.startswith("#/") or value == "#":
            target = self._target(value)
            if target is None:
                yield Misfit(path=where, keyword="$ref", found=_shown(value), expected="a definition that is there")
            elif self._returns_to(value, target):
                yield Misfit(path=where, keyword="$ref", found=_shown(value), expected="a schema without recursion")

    def _target(self, reference: str) -> Any:
        node: Any = self.schema
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else _item(node, name)
        return node

    def _returns_to(self, reference: str, target: Any) -> bool:
        """Whether *reference* occurs again inside its *target*."""
        seen, waiting = {reference}, [target]
        while waiting and self.steps < MAX_STEPS:
            self.steps += 1
            node = waiting.pop()
            if not isinstance(node, dict):
                continue
            below = node.get("$ref")
            if below == reference:
                return True
            if isinstance(below, str) and below.startswith("#") and below not in seen:
                seen.add(below)
                waiting.append(self._target(below))
            waiting += [child for _, child in _below("", node)]
        return False


def _item(node: Any, name: str) -> Any:
    return node[int(name)] if isinstance(node, list) and name.isdecimal() and int(name) < len(node) else None


def _below(path: str, node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the direct subschemas of *node* with their paths."""
    for keyword in _MAPS:
        if isinstance(node.get(keyword), dict):
            for name, below in node[keyword].items():
                yield f"{path}.{keyword}.{name}", below
    for keyword in _LISTS:
        if isinstance(node.get(keyword), list):
            for number, below in enumerate(node[keyword]):
                yield f"{path}.{keyword}[{number}]", below
    if "items" in node:
        yield f"{path}.items", node["items"]


def _shown(value: Any) -> str:
    return msgspec.json.encode(value)[:80].decode("utf-8", "ignore")


def _anything(value: Any) -> str:
    return ""


def _type(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    return "" if names and all(name in TYPES for name in names) else f"one of {', '.join(TYPES)}"


def _enum(value: Any) -> str:
    simple = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
    return "" if simple else "a list of strings, numbers, true, false and null"


def _format(value: Any) -> str:
    return "" if value in FORMATS else f"one of {', '.join(FORMATS)}"


def _min_items(value: Any) -> str:
    return "" if value in (0, 1) else "0 or 1"


def _additional_properties(value: Any) -> str:
    return "" if value is False else "false"


def _map(value: Any) -> str:
    return "" if isinstance(value, dict) else "an object of schemas"


def _alternatives(value: Any) -> str:
    return "" if isinstance(value, list) and value else "a list of schemas"


def _names(value: Any) -> str:
    return "" if isinstance(value, list) and all(isinstance(item, str) for item in value) else "a list of names"


# For each keyword of the subset, a function that returns what it expects, or an empty string if the value is valid.
_RULES: dict[str, Callable[[Any], str]] = {
    "type": _type,
    "enum": _enum,
    "format": _format,
    "minItems": _min_items,
    "additionalProperties": _additional_properties,
    "required": _names,
    **dict.fromkeys(_MAPS, _map),
    **dict.fromkeys(_LISTS, _alternatives),
}
