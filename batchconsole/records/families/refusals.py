"""Bedrock's error messages for faults. Wordings not yet seen in the field imitate those that were."""

import re
from collections.abc import Callable

from batchconsole.records.families.faults import Fault, field_path
from batchconsole.records.families.paths import steps

Wording = Callable[[Fault], str]

_BOUND = re.compile(r"(?:int|float) ([<>]=?) (.+)")
_JSON_SCHEMA_TYPES = {
    "int": "Integer",
    "float": "Number",
    "str": "String",
    "bool": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
    "null": "Null",
}
_JSON_SCHEMA_BOUNDS = {">=": "greater or equal to", "<=": "less or equal to"}
_PYDANTIC_TYPES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "array": "list",
    "object": "dictionary",
}
_PYDANTIC_BOUNDS = {">=": "greater than or equal to", "<=": "less than or equal to"}


def json_schema_wording(fault: Fault) -> str:
    """Return the message of models that check the body with a JSON schema (Nova, Titan, Llama, Mistral).

    ``Malformed input request: #: extraneous key [x] is not permitted, please reformat your input and try again.``
    """
    return fault.refusal or (
        f"Malformed input request: #{''.join(f'/{step}' for step in steps(fault.path))}: {_json_schema_detail(fault)}, "
        "please reformat your input and try again."
    )


def _json_schema_detail(fault: Fault) -> str:
    if fault.kind == "missing":
        return f"required key [{fault.name}] not found"
    if fault.kind == "unknown":
        return f"extraneous key [{fault.name}] is not permitted"
    if fault.kind == "type":
        expected = _JSON_SCHEMA_TYPES.get(fault.expected.split(" ")[0], fault.expected)
        return f"expected type: {expected}, found: {_JSON_SCHEMA_TYPES.get(fault.found, fault.found)}"
    if fault.choices:
        return fault.excerpt.strip('"') + " is not a valid enum value"
    bound = _BOUND.fullmatch(fault.expected)
    if bound and bound[1] in _JSON_SCHEMA_BOUNDS:
        return f"{fault.excerpt} is not {_JSON_SCHEMA_BOUNDS[bound[1]]} {bound[2]}"
    return f"expected {fault.expected}"


def pydantic_wording(fault: Fault) -> str:
    """Return the message of Anthropic's models, such as ``anthropic_version: Field required``."""
    return fault.refusal or f"{'.'.join(steps(field_path(fault))) or 'body'}: {_pydantic_detail(fault)}"


def _pydantic_detail(fault: Fault) -> str:
    if fault.kind == "missing":
        return "Field required"
    if fault.kind == "unknown":
        return "Extra inputs are not permitted"
    if fault.kind == "type":
        expected = fault.expected.split(" ")[0]
        return f"Input should be a valid {_PYDANTIC_TYPES.get(expected, fault.expected)}"
    if fault.choices:
        return "Input should be " + " or ".join(f"'{choice}'" for choice in fault.choices)
    bound = _BOUND.fullmatch(fault.expected)
    if bound and bound[1] in _PYDANTIC_BOUNDS:
        return f"Input should be {_PYDANTIC_BOUNDS[bound[1]]} {bound[2]}"
    return f"Input should be {fault.expected}"
