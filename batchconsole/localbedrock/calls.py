"""What the calls of both APIs have in common: the request body, the caller and injected faults."""

import asyncio
import base64
import re
import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from batchconsole.localbedrock.errors import (
    IncompleteSignatureException,
    MissingAuthenticationTokenException,
    SerializationException,
)
from batchconsole.localbedrock.faults import ERRORS
from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.wire import HttpRequest

MAX_BODY_BYTES = 25_000_000  # The API model's limit for the body of InvokeModel.
_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/\d{8}/([a-z0-9-]{1,20})/")
# A short-term API key is this prefix followed by a presigned URL in base64.
_API_KEY = "Bearer bedrock-api-key-"
_PRESIGNED = re.compile(r"Credential=([^%/&]+)(?:/|%2F)\d{8}(?:/|%2F)([a-z0-9-]{1,20})(?:/|%2F)")


async def run_faulty(service: Service, name: str, run: Callable[[], Awaitable[Response]]) -> Response:
    """Return the response of *run*, subject to the faults injected for the operation *name*."""
    for fault in service.faults.take("slow", operation=name):
        await asyncio.sleep(fault.seconds)
    if refused := service.faults.take("throttle", "error", operation=name):
        raise ERRORS[refused[0].kind]
    response = await run()
    return LostResponse() if service.faults.take("lost", operation=name) else response


class LostResponse(Response):
    """A response that is lost: the connection closes before the body. On HTTP/2, no response is ever sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["http_version"] == "2":
            # An ASGI application cannot reset an HTTP/2 stream; the client's timeout ends it.
            while (await receive())["type"] != "http.disconnect":
                continue
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def read_request(request: Request) -> HttpRequest:
    """Read *request* and its body. Raises :class:`SerializationException` if the body is too large or incomplete."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise SerializationException(f"The request body has more than {MAX_BODY_BYTES} bytes.")
    except ClientDisconnect as error:
        raise SerializationException("The request body ended early.") from error
    raw_path = request.scope.get("raw_path") or request.url.path.encode()
    return HttpRequest(
        request.method,
        raw_path.decode("latin-1").partition("?")[0],
        dict(request.query_params),
        dict(request.headers),
        bytes(body),
    )


def find_caller(request: HttpRequest, settings: Settings) -> Caller:
    """Return the account and region that the signature or API key names; neither is verified.

    Raises :class:`MissingAuthenticationTokenException` if the request has neither, and
    :class:`IncompleteSignatureException` if its Authorization header is neither.
    """
    authorization, signed_url = request.headers.get("authorization", ""), request.query.get("X-Amz-Credential", "")
    if not authorization and not signed_url:
        raise MissingAuthenticationTokenException("Missing Authentication Token")
    if not signed_url and not authorization.startswith("Bearer "):
        _check_signature(authorization)
    text = _api_key(authorization) or f"Credential={signed_url}"
    match = _CREDENTIAL.search(authorization) or _PRESIGNED.search(text)
    if not match:
        return Caller(settings.account, settings.region)
    return Caller(match[1] if re.fullmatch(r"\d{12}", match[1]) else settings.account, match[2])


def _check_signature(authorization: str) -> None:
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if f"{name}=" not in authorization]
    if missing:
        raise IncompleteSignatureException(
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        )


def _api_key(authorization: str) -> str:
    """Return the decoded content of a short-term Bedrock API key, or an empty string for anything else."""
    encoded = authorization.removeprefix(_API_KEY) if authorization.startswith(_API_KEY) else ""
    try:
        return base64.b64decode(f"{encoded}==").decode("latin-1")
    except ValueError:
        return ""


def request_id() -> str:
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
