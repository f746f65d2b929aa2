"""Errors in the shape of Anthropic's API: https://docs.anthropic.com/en/api/errors."""

from typing import Any

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
SERVER_FAULTS = 500


def error_body(status: int, message: str, request_id: str | None = None) -> dict[str, Any]:
    """Return an error in Anthropic's shape."""
    kind = TYPES.get(status, "api_error" if status >= SERVER_FAULTS else TYPES[400])
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
