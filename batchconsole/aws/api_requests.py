"""Requests to Bedrock's API, seen from the server: find the operation and read its input by the API model.

All names, types and constraints come from botocore's service models. RE2 matches patterns in linear time: for the
pattern of ``jobName``, a backtracking engine needs years to reject sixty hyphens and an underscore.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NoReturn
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from batchconsole.aws.constraints import matches_whole
from batchconsole.aws.errors import AwsError

SERVICES = ("bedrock", "bedrock-runtime")
NUMBERS = ("integer", "long", "float", "double")
DOTS = (".", "..")  # path segments that refer to another path
# The Python types that a JSON value may have, by the type of its shape.
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "structure": (dict,),
    "list": (list,),
    "boolean": (bool,),
    "timestamp": (str,),
}


@dataclass(frozen=True)
class ApiOperation:
    """One operation of the API; ``pattern`` matches its path and has a group for each label."""

    name: str
    service: str
    method: str
    pattern: re.Pattern[str]
    model: OperationModel


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A received request. ``path`` begins with a slash and is still percent-encoded; ``query`` is decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""


@cache
def operations() -> tuple[ApiOperation, ...]:
    """Return all operations, longest path pattern first, so ``/stop`` is not mistaken for the end of an id."""
    found = [_operation(model) for model in _models()]
    return tuple(sorted(found, key=lambda operation: -len(operation.pattern.pattern)))


def _models() -> Iterator[OperationModel]:
    for service in SERVICES:
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        yield from (model.operation_model(name) for name in model.operation_names)


def _operation(model: OperationModel) -> ApiOperation:
    path = model.http["requestUri"].partition("?")[0]
    # An identifier may be an ARN, and some clients do not encode the slash in it.
    pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>.+)", path)
    return ApiOperation(model.name, model.service_model.service_name, model.http["method"], re.compile(pattern), model)


def find_operation(request: ApiRequest) -> tuple[ApiOperation, dict[str, str]]:
    """Return the operation that *request* is for, and the decoded labels of its path.

    Raises :class:`AwsError` (``UnknownOperationException``) if there is none, or if a label has a dot segment: signing
    and routing would resolve ``/foundation-models/../guardrails`` to the path of another operation.
    """
    for operation in operations():
        match = operation.pattern.fullmatch(request.path) if operation.method == request.method else None
        if match:
            labels = {name: unquote(value) for name, value in match.groupdict().items()}
            if any(part in DOTS for value in labels.values() for part in value.split("/")):
                break
            return operation, labels
    raise AwsError(
        f"No operation of Amazon Bedrock answers {request.method} {unquote(request.path)}.",
        code="UnknownOperationException",
        operation="",
    )


def read_input(operation: ApiOperation, labels: Mapping[str, str], request: ApiRequest) -> dict[str, Any]:
    """Return the operation's input in the types of its shape. Like AWS, ignore members that are unknown or null.

    Raises
    ------
    AwsError
        ``SerializationException``: the body is not a JSON object, or a value has the wrong type.
        ``ValidationException``: constraints are not met; the message lists all of them in AWS's words.
    """
    shape = operation.model.input_shape
    body = _json_object(request.body)
    params: dict[str, Any] = {}
    for name, member in shape.members.items():
        location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "uri" and wire_name in labels:
            params[name] = labels[wire_name]
        elif location == "querystring" and wire_name in request.query:
            params[name] = _from_text(member, request.query[wire_name])
        elif location is None and body.get(name) is not None:
            params[name] = _converted(member, body[name])
    _check(operation.name, shape, params)
    return params


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        _not_serializable(f"The request body is not valid JSON: {error}")
    if not isinstance(value, dict):
        _not_serializable("The request body must be a JSON object.")
    return value


def _not_serializable(message: str) -> NoReturn:
    raise AwsError(message, code="SerializationException", operation="")


def _from_text(shape: Shape, text: str) -> Any:
    """Convert a value of the query string to the type of *shape*."""
    try:
        if shape.type_name in NUMBERS:
            return int(text)
        if shape.type_name == "timestamp":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        _not_serializable(f"'{text}' can not be converted to {_typed(shape)}")
    return text == "true" if shape.type_name == "boolean" else text


def _converted(shape: Shape, value: Any) -> Any:
    """Check the type of a value of the body and return it without the members that *shape* does not know."""
    kind = shape.type_name
    fits = isinstance(value, JSON_TYPES.get(kind, (object,))) and isinstance(value, bool) == (kind == "boolean")
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        _not_serializable(f"{json.dumps(value)[:100]} can not be converted to {_typed(shape)}")
    if kind == "structure":
        given = {name: member for name, member in shape.members.items() if value.get(name) is not None}
        return {name: _converted(member, value[name]) for name, member in given.items()}
    return [_converted(shape.member, item) for item in value if item is not None] if kind == "list" else value


def _typed(shape: Shape) -> str:
    return f"{'an' if shape.type_name[0] in 'aeiou' else 'a'} {shape.type_name.title()}"


def _check(operation: str, shape: Shape, params: dict[str, Any]) -> None:
    """Raise AwsError with all constraints that *params* violate, in the order of the model's members."""
    errors = list(_violations(shape, params, ""))
    if errors:
        counted = "1 validation error" if len(errors) == 1 else f"{len(errors)} validation errors"
        raise AwsError(f"{counted} detected: {'; '.join(errors)}", code="ValidationException", operation=operation)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for constraint in _unmet(shape, value):
        yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "structure":
        yield from _of_members(shape, value, path)


def _of_members(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        member_path = f"{path}.{name}" if path else name
        if name in value:
            yield from _violations(member, value[name], member_path)
        elif name in shape.required_members:
            yield f"Value null at '{member_path}' failed to satisfy constraint: Member must not be null"


def _unmet(shape: Shape, value: Any) -> Iterator[str]:
    """Yield the constraints that a value violates, without those of its members or items."""
    rules = shape.metadata
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield "Member must have exactly one of its members set"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(sorted(rules['enum']))}]"
    size = value if shape.type_name in NUMBERS else len(value) if isinstance(value, str | list) else None
    measure = "value" if shape.type_name in NUMBERS else "length"
    if size is not None and size < rules.get("min", size):
        yield f"Member must have {measure} greater than or equal to {rules['min']}"
    if size is not None and size > rules.get("max", size):
        yield f"Member must have {measure} less than or equal to {rules['max']}"
    if "pattern" in rules and isinstance(value, str) and not matches_whole(rules["pattern"], value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"


def _shown(value: Any) -> str:
    """Format *value* as AWS does in its messages: lists in brackets, structures as ``{name=value}``."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_shown(item)}' for name, item in value.items())}}}"
    return str(value)
