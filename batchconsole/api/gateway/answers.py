"""Answers and errors on the wire as Bedrock writes them."""

import json
import logging
import secrets
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse

from batchconsole.api.gateway.signature import SignatureRefused
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import NotAllowed, UserError

logger = logging.getLogger(__name__)

INTERNAL, UNAVAILABLE = "InternalServerException", "ServiceUnavailableException"
# The HTTP status of each error, as the API's model has it.
STATUSES = {
    "AccessDeniedException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ThrottlingException": 429,
    INTERNAL: 500,
    UNAVAILABLE: 503,
    **dict.fromkeys(
        (
            "ConflictException",
            "SerializationException",
            "ServiceQuotaExceededException",
            "TooManyTagsException",
            "ValidationException",
        ),
        400,
    ),
}
RETRY_AFTER_SECONDS = 5


class TimeEncoder(json.JSONEncoder):
    """Writes times as the API does."""

    def default(self, o: Any) -> Any:
        return rfc3339(o) if isinstance(o, datetime) else super().default(o)


class Json(JsonResponse):
    """A successful answer, with AWS's request id."""

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(value, encoder=TimeEncoder, json_dumps_params={"separators": (",", ":")})
        self["x-amzn-RequestId"] = new_request_id()


def new_request_id() -> str:
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def rfc3339(moment: datetime) -> str:
    """``2026-01-31T12:00:00.123Z``, as the API writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer_error(error: Exception) -> HttpResponse:
    """The error on the wire for whatever a call has raised; what is nobody's fault but ours is logged."""
    code, message = _told(error)
    status = STATUSES.get(code, 400)
    response = JsonResponse({"message": message}, status=status)
    response["x-amzn-ErrorType"], response["x-amzn-RequestId"] = code, new_request_id()
    if status == STATUSES[UNAVAILABLE]:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _told(error: Exception) -> tuple[str, str]:
    if isinstance(error, SignatureRefused):
        return error.code, error.message
    if isinstance(error, NotAllowed):
        return "AccessDeniedException", _sentences(error)
    if isinstance(error, UserError):
        return "ValidationException", _sentences(error)
    if isinstance(error, AwsError):
        return _of_aws(error)
    logger.error("A call of a program failed: %s", error, exc_info=error)
    if isinstance(error, OperationalError | InterfaceError):
        return UNAVAILABLE, "The console cannot reach its database. Try again in a moment."
    return INTERNAL, "An internal server error occurred. Retry your request."


def _of_aws(error: AwsError) -> tuple[str, str]:
    """AWS's own code where the program may meet it; what is wrong between the console and AWS is no fault of its."""
    if error.code in STATUSES and error.code not in {"UnrecognizedClientException", "InvalidSignatureException"}:
        return error.code, error.message
    said = f"The console could not reach AWS: {error.message} {error.hint}".strip()
    return (UNAVAILABLE if error.retryable else INTERNAL), said


def _sentences(error: UserError) -> str:
    return " ".join(text for text in (error.message, error.hint) if text)
