"""What can be wrong with a request body, and msgspec's words for it turned into something to work with. Pure data."""

import re
from collections.abc import Callable
from typing import Literal

import msgspec

Kind = Literal["missing", "unknown", "type", "value", "rule"]
Severity = Literal["error", "warning"]

_MISSING = re.compile(r"Object missing required field `(.+?)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPE = re.compile(r"Expected (.+?), got `(.+?)`")
_AT = re.compile(r" - at `(?:key` in `)?(\$.*)`$", re.DOTALL)
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a body.

    ``path`` is a JSON path below the body (``$.messages[0].role``). ``found`` and ``expected`` are plain words.
    ``message`` is a whole sentence where those two do not make one. ``refusal`` is Bedrock's own wording when it is
    known; without one the family words the fault itself.
    """

    kind: Kind
    code: str
    path: str = "$"
    name: str = ""
    found: str = ""
    expected: str = ""
    message: str = ""
    severity: Severity = "error"
    refusal: str = ""


Wording = Callable[[Fault], str]


def rule(code: str, path: str, *, found: str, expected: str, refusal: str = "", severity: Severity = "error") -> Fault:
    """A fault of a rule that types cannot say."""
    return Fault(kind="rule", code=code, path=path, found=found, expected=expected, refusal=refusal, severity=severity)


def from_validation_error(error: msgspec.ValidationError) -> Fault:
    """The fault a ``msgspec.ValidationError`` tells of; its path and words are parsed out of the message."""
    text = str(error)
    at = _AT.search(text)
    path = at[1] if at else "$"
    message = text[: at.start()] if at else text
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
    expected = message.removeprefix("Expected ").replace("`", "")
    return Fault(kind="value", code="wrong-value", path=path, found="another value", expected=expected)


def steps(path: str) -> list[str]:
    """The members and indices of a JSON path: ``$.a[0].b`` gives ``["a", "0", "b"]``."""
    return [index or name for index, name in _STEP.findall(path)]


def field_path(fault: Fault) -> str:
    """The path of the field itself: a missing or unknown field's name is added to its object's path."""
    return f"{fault.path}.{fault.name}" if fault.name else fault.path


_JSON_SCHEMA_TYPES = {
    "int": "Integer",
    "float": "Number",
    "str": "String",
    "bool": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
    "null": "Null",
}


def _json_schema_detail(fault: Fault) -> str:
    pointer = "#" + "".join(f"/{step}" for step in steps(fault.path))
    if fault.kind == "missing":
        return f"{pointer}: required key [{fault.name}] not found"
    if fault.kind == "unknown":
        return f"{pointer}: extraneous key [{fault.name}] is not permitted"
    if fault.kind == "type":
        expected = _JSON_SCHEMA_TYPES.get(fault.expected.split(" ")[0], fault.expected)
        return f"{pointer}: expected type: {expected}, found: {_JSON_SCHEMA_TYPES.get(fault.found, fault.found)}"
    return f"{pointer}: expected {fault.expected}"


def json_schema_wording(fault: Fault) -> str:
    """Bedrock's words for models it checks with a JSON schema (Nova, Titan, Llama, Mistral), as seen in the field:
    ``Malformed input request: #: extraneous key [x] is not permitted, please reformat your input and try again.``
    """
    detail = fault.refusal or _json_schema_detail(fault)
    if fault.kind == "rule":
        return detail
    return f"Malformed input request: {detail}, please reformat your input and try again."


_PYDANTIC_TYPES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "array": "list",
    "object": "dictionary",
}


def pydantic_wording(fault: Fault) -> str:
    """Anthropic's words, as seen in the field: ``anthropic_version: Field required``."""
    if fault.refusal:
        return fault.refusal
    place = ".".join(steps(field_path(fault))) or "body"
    if fault.kind == "missing":
        return f"{place}: Field required"
    if fault.kind == "unknown":
        return f"{place}: Extra inputs are not permitted"
    if fault.kind == "type":
        expected = fault.expected.split(" ")[0]
        return f"{place}: Input should be a valid {_PYDANTIC_TYPES.get(expected, fault.expected)}"
    return f"{place}: Input should be {fault.expected}"
