"""Calls of Bedrock that are not about batch jobs, passed on for a client with the connection's credentials.

Each call needs a right, is limited to the models and S3 locations that the connection allows, and is recorded as an
event, because AWS's own trail shows only the console's credentials.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import User

from batchconsole.aws import passing_on
from batchconsole.aws.errors import AwsError
from batchconsole.aws.passing_on import Passed
from batchconsole.jobs.models import Connection, Event, Right, Verb
from batchconsole.jobs.rights.access import require, require_model, require_model_of_role, require_places

# Operation of the API -> the right that it needs.
PASSED_ON = {
    "ListFoundationModels": Right.VIEW,
    "GetFoundationModel": Right.VIEW,
    "ListInferenceProfiles": Right.VIEW,
    "GetInferenceProfile": Right.VIEW,
    "Converse": Right.INVOKE,
    "ConverseStream": Right.INVOKE,
    "InvokeModel": Right.INVOKE,
    "InvokeModelWithResponseStream": Right.INVOKE,
    "CountTokens": Right.INVOKE,
}
# The key under which a request names an object that AWS reads with the connection's credentials: an image, document or
# video. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_S3Location.html
S3_LOCATION = "s3Location"
HTTP_ERROR = 400  # the least status of an answer that is an error
# Where a request of CountTokens holds the body of another request, in base64. Source:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelTokensRequest.html
COUNT_TOKENS = "CountTokens"
BODY_TO_COUNT = ("input", "invokeModel", "body")


def pass_on(
    connection: Connection,
    actor: User,
    operation: str,
    *,
    service: str,
    method: str,
    path: str,
    model_id: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Passed:
    """Pass on the call if *operation* is in PASSED_ON and *actor* may make it. Raises NotAllowed and AwsError."""
    if operation not in PASSED_ON:
        raise AwsError(
            f"The console does not pass on {operation}: it takes the calls about batch inference jobs, and "
            f"{', '.join(PASSED_ON)}. Call Amazon Bedrock itself for it.",
            code="AccessDeniedException",
            operation=operation,
        )
    require(actor, PASSED_ON[operation], connection)
    if PASSED_ON[operation] == Right.INVOKE:
        require_model(connection, model_id)
        require_model_of_role(actor, connection, model_id, right=Right.INVOKE)
        _require_objects(connection, operation, body)
    # Recorded before the call, so that a lost answer leaves a trail.
    told = {"operation": operation} | ({"model_id": model_id} if model_id else {})
    Event.objects.create(connection=connection, actor=actor, verb=Verb.PASSED_ON, data=told)
    try:
        passed = passing_on.pass_on(connection.target, service, method=method, path=path, headers=headers, body=body)
    except AwsError as error:
        _record_failure(connection, actor, told | {"code": error.code})
        raise
    if passed.status >= HTTP_ERROR:
        _record_failure(connection, actor, told | {"status": passed.status})
    return passed


def _record_failure(connection: Connection, actor: User, told: dict[str, Any]) -> None:
    """Record how a call ended that failed; one without such an event was answered."""
    Event.objects.create(connection=connection, actor=actor, verb=Verb.PASSED_ON_FAILED, data=told)


def _require_objects(connection: Connection, operation: str, body: bytes) -> None:
    """Raise NotAllowed unless the connection lets jobs read every S3 object that the request names."""
    if not connection.input_prefixes:
        return
    try:
        uris = [uri for request in _requests(operation, body) for uri in _object_uris(request)]
    except (ValueError, RecursionError) as error:
        message = f"The request body is not valid JSON: {error}"
        raise AwsError(message, code="ValidationException", operation="") from error
    for uri in uris:
        require_places(connection, input=uri)


def _requests(operation: str, body: bytes) -> Iterator[Any]:
    """Yield the parsed body, and the request whose tokens it asks to count. Raises ValueError and RecursionError."""
    request = _parsed(body)
    yield request
    if operation == COUNT_TOKENS:
        for encoded in _members(request, *BODY_TO_COUNT):
            yield _parsed(base64.b64decode(str(encoded), validate=True))


def _parsed(body: bytes) -> Any:
    """Return the JSON value in *body* with objects as lists of pairs, to keep duplicate names."""
    return json.loads(body or b"{}", object_pairs_hook=list)


def _members(value: Any, *path: str) -> Iterator[Any]:
    """Yield every value at the *path* of names in *value*: several if names are repeated."""
    if not path:
        yield value
    elif isinstance(value, list):
        for name, member in filter(_is_pair, value):
            if name == path[0]:
                yield from _members(member, *path[1:])


def _object_uris(value: Any) -> Iterator[str]:
    """Yield the URIs of all S3 locations in *value*, a result of :func:`_parsed`."""
    if isinstance(value, tuple) and value[0] == S3_LOCATION and isinstance(value[1], list):
        yield from (str(uri) for name, uri in filter(_is_pair, value[1]) if name == "uri")
    if isinstance(value, list | tuple):
        for item in value:
            yield from _object_uris(item)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple)
