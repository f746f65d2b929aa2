"""Errors in the shape of OpenAI's API: https://platform.openai.com/docs/guides/error-codes."""

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {401: "invalid_api_key", 403: "permission_denied", 404: "not_found", 429: "rate_limit_exceeded"}
SERVER_FAULTS = 500

ErrorObject = dict[str, str | None]


def error_object(status: int, message: str, *, param: str | None = None) -> ErrorObject:
    """Return the object under ``error`` of an answer with the HTTP *status*; *param* is the parameter at fault."""
    kind = "server_error" if status >= SERVER_FAULTS else TYPES.get(status, "invalid_request_error")
    return {"message": message, "type": kind, "param": param, "code": CODES.get(status)}
