"""Responses and errors in Bedrock's wire format."""

import logging
from typing import Any

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, JsonResponse
from django.http.request import UnreadablePostError

from batchconsole.api.call_limit import TooMany
from batchconsole.api.gateway.signature import SignatureRefused
from batchconsole.api.refusals import RETRY_AFTER_SECONDS
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.trouble import trouble_of

logger = logging.getLogger(__name__)

INTERNAL, UNAVAILABLE = "InternalServerException", "ServiceUnavailableException"
# The HTTP status of each error code, as in the API model.
STATUSES = {
    "AccessDeniedException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "RequestTimeoutException": 408,
    "RequestEntityTooLargeException": 413,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
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


class Json(HttpResponse):
    """A successful response."""

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(msgspec.json.encode(value), content_type="application/json")


def answer_error(error: Exception, request_id: str) -> HttpResponse:
    """Return the response to an error that a call has raised; log it if it is the console's own."""
    code, message = _told(error, request_id)
    status = STATUSES.get(code, 400)
    response = JsonResponse({"message": message}, status=status)
    response["x-amzn-ErrorType"] = code
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.seconds)
    if status == STATUSES[UNAVAILABLE]:
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _told(error: Exception, request_id: str) -> tuple[str, str]:
    if isinstance(error, SignatureRefused):
        return error.code, error.message
    if isinstance(error, TooMany):
        return "ThrottlingException", str(error)
    if isinstance(error, NotAllowed):
        return "AccessDeniedException", _sentences(error)
    if isinstance(error, UserError):
        return "ValidationException", _sentences(error)
    if isinstance(error, AwsError):
        return _of_aws(error)
    if isinstance(error, RequestDataTooBig):
        return "RequestEntityTooLargeException", str(error)
    if isinstance(error, UnreadablePostError):
        return "RequestTimeoutException", "The request body broke off. Send the request again."
    logger.error("The call %s of a program failed: %s", request_id, error, exc_info=error)
    if trouble := trouble_of(error):
        return UNAVAILABLE, trouble.sentences
    return INTERNAL, "An internal server error occurred. Retry your request."


def _of_aws(error: AwsError) -> tuple[str, str]:
    """Return AWS's code if it concerns the caller's request; trouble between the console and AWS is a server error."""
    if error.code in STATUSES and error.code not in {"UnrecognizedClientException", "InvalidSignatureException"}:
        return error.code, error.message
    said = f"The console could not reach AWS: {error.message} {error.hint}".strip()
    return (UNAVAILABLE if error.retryable else INTERNAL), said


def _sentences(error: UserError) -> str:
    return " ".join(text for text in (error.message, error.hint) if text)
