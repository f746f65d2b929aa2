"""JSON paths in msgspec's notation (``$.messages[0].role``), looked up in a value or a type."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, inspect

_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


def steps(path: str) -> list[str]:
    """Return the members and indices of a path: ``["a", "0", "b"]`` for ``$.a[0].b``."""
    return [index or name for index, name in _STEP.findall(path)]


def dotted(path: str) -> str:
    """Return *path* in the notation of Bedrock's error messages: ``messages.0.content.1``."""
    return ".".join(steps(path))


def value_at(value: Any, path: str) -> Any:
    """Return the value at *path* in *value*, or ``UNSET`` if there is none.

    msgspec writes ``[...]`` for any key of a map; such a path also gives ``UNSET``.
    """
    for step in steps(path):
        try:
            value = value[int(step) if isinstance(value, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return UNSET
    return value


def choices_at(schema: type[msgspec.Struct], path: str) -> list[str]:
    """Return the values that the field at *path* accepts, sorted; empty if they are not limited to a list."""
    found: list[inspect.Type] = [_type_info(schema)]
    for step in steps(path):
        tags = [str(kind.tag) for kind in found if isinstance(kind, inspect.StructType) and kind.tag_field == step]
        if tags:
            return sorted(tags)
        found = [below for kind in found for below in _below(kind, step)]
    return sorted(str(value) for kind in found if isinstance(kind, inspect.LiteralType) for value in kind.values)


_type_info = cache(inspect.type_info)


def _below(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    """Yield the types one step below *kind*, expanding unions into their members."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            if field.encode_name == step:
                yield from _alternatives(field.type)
    elif isinstance(kind, inspect.ListType):
        yield from _alternatives(kind.item_type)


def _alternatives(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
