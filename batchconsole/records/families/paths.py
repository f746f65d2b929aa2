"""JSON paths as msgspec writes them (``$.messages[0].role``): what lies at one, in a value and in a type."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, inspect

_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


def steps(path: str) -> list[str]:
    """The members and indices of a path: ``$.a[0].b`` gives ``["a", "0", "b"]``."""
    return [index or name for index, name in _STEP.findall(path)]


def dotted(path: str) -> str:
    """*path* as Bedrock writes it in its messages: ``messages.0.content.1``."""
    return ".".join(steps(path))


def value_at(value: Any, path: str) -> Any:
    """What lies at *path* in *value*; ``UNSET`` when it leads nowhere (``[...]`` stands for any key of a map)."""
    for step in steps(path):
        try:
            value = value[int(step) if isinstance(value, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            return UNSET
    return value


def choices_at(schema: type[msgspec.Struct], path: str) -> list[str]:
    """The words a field takes when it takes only certain ones, in order; empty when it takes any."""
    found: list[inspect.Type] = [_type_info(schema)]
    for step in steps(path):
        tags = [str(kind.tag) for kind in found if isinstance(kind, inspect.StructType) and kind.tag_field == step]
        if tags:
            return sorted(tags)
        found = [below for kind in found for below in _below(kind, step)]
    return sorted(str(value) for kind in found if isinstance(kind, inspect.LiteralType) for value in kind.values)


_type_info = cache(inspect.type_info)


def _below(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    """The types one step below *kind*; a union's are all of its own."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            if field.encode_name == step:
                yield from _alternatives(field.type)
    elif isinstance(kind, inspect.ListType):
        yield from _alternatives(kind.item_type)


def _alternatives(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
