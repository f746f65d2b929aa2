"""Schemas made ready to judge answers by. A schema is untrusted input, so what could take long is not judged by at all:
recursion, references that lead out of the schema, too many parts. Nothing is fetched, and patterns take linear time.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec

from batchconsole.records.schema_columns import MOST_SCHEMA_DEPTH, Column, read_columns, target

MOST_WEIGHT = 20_000  # parts of a schema after every reference is expanded
PATTERN_WEIGHT = 200
PATTERN_BYTES = 2**17  # size limit of a compiled pattern


class Unjudgeable(Exception):
    """A schema that answers are not judged by."""


class Schema(msgspec.Struct, frozen=True):
    """One distinct schema, ready for judging; without a validator if it is too large, recursive or invalid."""

    validator: Any
    weight: int
    columns: tuple[Column, ...]


def parse_schema(schema: dict[str, Any]) -> Schema:
    """Prepare *schema* for judging."""
    schema = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
    try:
        weight = _Weight(schema).total()
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            retriever=_fetch_nothing,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES, dfa_size_limit=PATTERN_BYTES),
        )
    except (Unjudgeable, ValueError, RecursionError):  # a ValidationError is also a ValueError
        return Schema(None, 1, tuple(read_columns(schema)))
    return Schema(validator, weight, tuple(read_columns(schema)))


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is outside of the schema.")


class _Weight:
    """Counts the parts of a schema after every reference is expanded."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.known: dict[str, int] = {}
        self.open: set[str] = set()

    def total(self) -> int:
        """Return the count. Raises :class:`Unjudgeable` for recursion, excessive size, or external references."""
        return self._of(self.schema, 0)

    def _of(self, node: Any, depth: int) -> int:
        if depth > MOST_SCHEMA_DEPTH:
            raise Unjudgeable
        weight = 1
        for name, value in _members(node):
            if name == "$ref" and isinstance(value, str):
                weight += self._of_reference(value, depth)
            elif name in _LEADS_ELSEWHERE and isinstance(value, str):
                raise Unjudgeable
            elif isinstance(value, dict | list):
                weight += self._of(value, depth + 1)
            weight += PATTERN_WEIGHT if name in _PATTERNS else 1
            if weight > MOST_WEIGHT:
                raise Unjudgeable
        return weight

    def _of_reference(self, reference: str, depth: int) -> int:
        if reference in self.open or not reference.startswith("#/"):
            raise Unjudgeable
        if reference not in self.known:
            self.open.add(reference)
            self.known[reference] = self._of(target(self.schema, reference), depth + 1)
            self.open.discard(reference)
        return self.known[reference]


_LEADS_ELSEWHERE = frozenset({"$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor"})
_PATTERNS = frozenset({"pattern", "patternProperties"})


def _members(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from (("", item) for item in node)
