"""The faults of request bodies, and the translation of msgspec's error messages into faults. Pure data."""

import re
from typing import Any, Literal

import msgspec

from batchconsole.records.families.paths import choices_at, value_at

Kind = Literal["missing", "unknown", "type", "value", "rule"]
Severity = Literal["error", "warning"]

_MISSING = re.compile(r"Object missing required field `(.+?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPE = re.compile(r"Expected (.+?), got `(.+?)`")
_AT = re.compile(r" - at `(?:key` in `)?(\$.*)`$", re.DOTALL)
_EXCERPT = 80


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in a body.

    ``path`` is a JSON path in the body (``$.messages[0].role``). ``found`` and ``expected`` are plain words, or
    msgspec's terms for types (``int``) and bounds (``int >= 1``). ``excerpt`` is the start of the value as JSON, and
    ``choices`` lists the values that the field accepts. ``message`` is a whole sentence for faults that ``found`` and
    ``expected`` cannot describe. ``refusal`` is Bedrock's own wording if known; otherwise the family words the fault.
    """

    kind: Kind
    code: str
    path: str = "$"
    name: str = ""
    found: str = ""
    expected: str = ""
    excerpt: str = ""
    choices: tuple[str, ...] = ()
    message: str = ""
    severity: Severity = "error"
    refusal: str = ""


def rule(code: str, path: str, *, found: str, expected: str, refusal: str = "", severity: Severity = "error") -> Fault:
    """Return a fault for a broken rule that types cannot express."""
    return Fault(kind="rule", code=code, path=path, found=found, expected=expected, refusal=refusal, severity=severity)


def from_validation_error(error: msgspec.ValidationError, body: Any, schema: type[msgspec.Struct]) -> Fault:
    """Return the fault for *error*, which msgspec raised while converting *body* to *schema*.

    Its words are parsed from the error message; its excerpt comes from *body* and its choices from *schema*.
    """
    text = str(error)
    at = _AT.search(text)
    fault = _from_message(text[: at.start()] if at else text, at[1] if at else "$")
    if fault.name:
        return fault
    value, choices = value_at(body, fault.path), tuple(choices_at(schema, fault.path))
    return msgspec.structs.replace(fault, excerpt="" if value is msgspec.UNSET else shown(value), choices=choices)


def _from_message(message: str, path: str) -> Fault:
    if missing := _MISSING.fullmatch(message):
        return Fault(
            kind="missing",
            code="missing-field",
            path=path,
            name=missing[1],
            found="nothing",
            expected=f"the field {missing[1]}",
        )
    if unknown := _UNKNOWN.fullmatch(message):
        return Fault(
            kind="unknown",
            code="unknown-field",
            path=path,
            name=unknown[1],
            found=f"the field {unknown[1]}",
            expected="only known fields",
        )
    if wrong := _TYPE.fullmatch(message):
        return Fault(kind="type", code="wrong-type", path=path, found=wrong[2], expected=wrong[1].replace("`", ""))
    expected = message.replace("`", "").removeprefix("Expected ")
    return Fault(
        kind="value",
        code="wrong-value",
        path=path,
        found="another value",
        expected=_INSTEAD.get(expected.split("'")[0].strip(), expected),
    )


_INSTEAD = {
    "Invalid enum value": "one of its values",
    "Invalid value": "one of its values",
    "Invalid base64 encoded string": "bytes in base64",
    "Number out of range": "a number in range",
}


def shown(value: Any) -> str:
    """Return the start of *value* as JSON, or the name of its type if it cannot be encoded."""
    try:
        return msgspec.json.encode(value)[: 4 * _EXCERPT].decode("utf-8", "ignore")[:_EXCERPT]
    except (RecursionError, TypeError, ValueError):
        return type(value).__name__


def field_path(fault: Fault) -> str:
    """Return the path of the field itself, adding the name of a missing or unknown field to its object's path."""
    return f"{fault.path}.{fault.name}" if fault.name else fault.path
