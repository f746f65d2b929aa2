"""Check a request against botocore's service model, with AWS's error messages. Names no operation.

RE2 matches patterns in linear time: for some of AWS's patterns (such as that of ``jobName``), a backtracking engine
needs minutes for a value of sixty hyphens.
"""

from collections.abc import Iterator
from typing import Any

import re2
from botocore.model import Shape

from batchconsole.localbedrock.errors import ValidationException


def check(shape: Shape, params: dict[str, Any]) -> None:
    """Check *params*, whose types are already right, against every constraint of *shape*.

    Raises
    ------
    ValidationException
        Lists every violation, in the order of the model's members: "2 validation errors detected: ...; ...".
    """
    errors = list(_structure(shape, params, ""))
    if errors:
        counted = "1 validation error" if len(errors) == 1 else f"{len(errors)} validation errors"
        raise ValidationException(f"{counted} detected: {'; '.join(errors)}")


def _walk(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _own(shape, value, path)
    if shape.type_name == "structure" and not shape.is_document_type:
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _walk(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{path}.{key}.key")
            yield from _walk(shape.value, item, f"{path}.{key}.value")


def _structure(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    if shape.is_tagged_union and len(value) != 1:
        yield _error(value, path, "Member must have exactly one of its members set")
    for name, member in shape.members.items():
        member_path = f"{path}.{name}" if path else name
        if name in value:
            yield from _walk(member, value[name], member_path)
        elif name in shape.required_members:
            yield f"Value null at '{member_path}' failed to satisfy constraint: Member must not be null"


def _own(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield the violations of the value's own constraints: enum, length or range, pattern."""
    metadata = shape.metadata
    if "enum" in metadata and value not in metadata["enum"]:
        yield _error(value, path, f"Member must satisfy enum value set: [{', '.join(sorted(metadata['enum']))}]")
    size = _size(shape, value)
    if size is not None:
        measure = "value" if shape.type_name in NUMBERS else "length"
        if "min" in metadata and size < metadata["min"]:
            yield _error(value, path, f"Member must have {measure} greater than or equal to {metadata['min']}")
        if "max" in metadata and size > metadata["max"]:
            yield _error(value, path, f"Member must have {measure} less than or equal to {metadata['max']}")
    if "pattern" in metadata and shape.type_name == "string" and not _matches(metadata["pattern"], value):
        yield _error(value, path, f"Member must satisfy regular expression pattern: {metadata['pattern']}")


def _matches(pattern: str, text: str) -> bool:
    """Whether *text* matches. A lone surrogate, which JSON allows but RE2 cannot read, matches no pattern."""
    try:
        return bool(re2.fullmatch(pattern, text))
    except UnicodeEncodeError:
        return False


NUMBERS = frozenset({"integer", "long", "float", "double"})


def _size(shape: Shape, value: Any) -> float | None:
    if shape.type_name in NUMBERS:
        return float(value)
    return len(value) if shape.type_name in {"string", "list", "map", "blob"} else None


def _error(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _shown(value: Any) -> str:
    """Format *value* as AWS does in messages: lists in brackets, structures as ``{member=value}``."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return str(value)
