"""OpenAI's error object: https://platform.openai.com/docs/guides/error-codes."""

from typing import Any

from batchconsole.localbedrock.errors import (
    IncompleteSignatureException,
    MissingAuthenticationTokenException,
    ServiceError,
)

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {401: "invalid_api_key", 403: "permission_denied", 404: "not_found", 429: "rate_limit_exceeded"}
SERVER_FAULTS = 500


class BatchError(Exception):
    """An error response with its HTTP *status*, its *code* and, if there is one, the parameter at fault (*param*)."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error_object(status, message, param=param, code=code)}


def error_object(status: int, message: str, *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Return the object under ``error``; *code* defaults to the one for *status*."""
    kind = "server_error" if status >= SERVER_FAULTS else TYPES.get(status, "invalid_request_error")
    fallback = "server_error" if status >= SERVER_FAULTS else CODES.get(status, "validation_error")
    return {"message": message, "type": kind, "param": param, "code": code or fallback}


def as_batch_error(error: ServiceError, *, param: str | None = None) -> BatchError:
    """Convert an error of Bedrock's own API to OpenAI's shape."""
    is_unknown = isinstance(error, MissingAuthenticationTokenException | IncompleteSignatureException)
    return BatchError(401 if is_unknown else error.status, error.message, param=param)
