"""Find the operation and parameters of an HTTP request, both from botocore's service models."""

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

import msgspec
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from batchconsole.localbedrock.errors import SerializationException, UnknownOperationException

SERVICES = ("bedrock", "bedrock-runtime")
# Botocore knows this member since 1.44: in the query, in Converse's body, in a header of InvokeModel.
PROJECT, PROJECT_HEADER = "projectIdentifier", "x-amzn-bedrock-projectidentifier"


class Route(msgspec.Struct, frozen=True):
    """The method and path of an operation; ``pattern`` has a named group for each label of the path."""

    method: str
    pattern: re.Pattern[str]
    model: OperationModel


class HttpRequest(msgspec.Struct, frozen=True):
    """A request as received. ``raw_path`` is still percent-encoded; header names are in lower case."""

    method: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@cache
def routes(names: frozenset[str]) -> tuple[Route, ...]:
    """Return the routes of the operations *names*, the longest path first, so that ``/stop`` never matches as an id."""
    found = [_route(model) for model in _operations() if model.name in names]
    return tuple(sorted(found, key=lambda route: -len(route.pattern.pattern)))


def _operations() -> Iterator[OperationModel]:
    loader = Loader()
    for service in SERVICES:
        model = ServiceModel(loader.load_service_model(service, "service-2"))
        yield from (model.operation_model(name) for name in model.operation_names)


def _route(model: OperationModel) -> Route:
    # A label may span slashes, because some clients send an ARN without encoding the slash in it.
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", model.http["requestUri"])
    return Route(model.http["method"], re.compile(pattern), model)


def find_route(names: frozenset[str], request: HttpRequest) -> tuple[Route, dict[str, str]]:
    """Return the route of *request* and its decoded path labels. Raises :class:`UnknownOperationException`."""
    for route in routes(names):
        match = route.pattern.fullmatch(request.raw_path) if route.method == request.method else None
        if match:
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise UnknownOperationException(f"No operation of this service answers {request.method} {request.raw_path}.")


def read_params(model: OperationModel, labels: dict[str, str], request: HttpRequest) -> dict[str, Any]:
    """Return the operation's input, converted to the types of its shape; like AWS, drop unknown members.

    Raises :class:`SerializationException` if the body is not a JSON object or a value has the wrong type.
    """
    shape = model.input_shape
    payload = shape.serialization.get("payload")
    body = {} if payload else _json_object(request.body)
    params: dict[str, Any] = {payload: request.body} if payload else {}
    for name, member in shape.members.items():
        text = _from_location(name, member, labels, request)
        if text is not None:
            params[name] = _from_text(member, text)
        elif "location" not in member.serialization and body.get(name) is not None:
            params[name] = _convert(member, body[name])
    return params | _project(body, request)


def _project(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Return the project that the call names, even if the installed botocore does not know projects."""
    named = request.headers.get(PROJECT_HEADER) or request.query.get(PROJECT) or body.get(PROJECT)
    return {} if named is None else {PROJECT: _convert(_TEXT, named)}


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SerializationException(f"The request body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise SerializationException("The request body must be a JSON object.")
    return value


def _from_location(name: str, member: Shape, labels: dict[str, str], request: HttpRequest) -> str | None:
    location = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    if location == "uri":
        return labels[name if name in labels else wire_name]
    if location == "querystring":
        return request.query.get(wire_name)
    if location == "header":
        return request.headers.get(wire_name.lower())
    return None


def _from_text(shape: Shape, text: str) -> Any:
    """Convert *text* from the path, the query or a header to the type of *shape*."""
    try:
        if shape.type_name in {"integer", "long"}:
            return int(text)
        if shape.type_name == "timestamp":
            return _timestamp(text)
    except (ValueError, OverflowError) as error:
        raise SerializationException(f"'{text}' can not be converted to {_article(shape.type_name)}") from error
    return text == "true" if shape.type_name == "boolean" else text


def _timestamp(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


_TEXT = Shape("String", {"type": "string"})
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "blob": (str,),
    "timestamp": (str, int, float),
}


def _convert(shape: Shape, value: Any) -> Any:
    """Check a JSON value against the type of *shape* and drop its unknown and null members."""
    kind = shape.type_name
    if kind == "structure" and shape.is_document_type:
        return value
    _check_type(kind, value)
    if kind == "structure":
        return {
            name: _convert(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
    if kind == "map":
        return {key: _convert(shape.value, item) for key, item in value.items() if item is not None}
    return [_convert(shape.member, item) for item in value if item is not None] if kind == "list" else value


def _check_type(kind: str, value: Any) -> None:
    fits = isinstance(value, JSON_TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise SerializationException(f"{_token(value)} can not be converted to {_article(kind)}")


def _article(kind: str) -> str:
    return f"an {kind.title()}" if kind[0] in "aeiou" else f"a {kind.title()}"


def _token(value: Any) -> str:
    """Return the name that AWS's JSON parser uses for the type of *value*."""
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE"
    names = {
        str: "STRING_VALUE",
        int: "NUMBER_VALUE",
        float: "DECIMAL_VALUE",
        dict: "START_OBJECT",
        list: "START_ARRAY",
    }
    return names[type(value)]


def rfc3339(milliseconds: int) -> str:
    """Format a time in milliseconds since 1970 UTC as the API does: ``2026-01-31T12:00:00.123Z``."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def milliseconds(moment: datetime.datetime) -> int:
    """Return *moment* in milliseconds since 1970 UTC, rounded down."""
    return int(moment.timestamp() * 1000 // 1)
