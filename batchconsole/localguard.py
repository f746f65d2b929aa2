"""The guard in front of the local stack's services, which keeps web pages in a local browser from reaching them.

A browser sends requests of any page to loopback, and a host name that first resolves to the page's server may later
resolve to 127.0.0.1 (DNS rebinding). AWS clients never send the requests that are refused here. Standard library only,
because the local AWS and the local Bedrock share this module but no framework.
"""

import ipaddress
import json
import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]
App = Callable[[Scope, Channel, Channel], Awaitable[None]]

# What a form, or a script without a preflight, can send to another site: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
CONTROL = "/_"  # no bucket name and no path of Bedrock begins with an underscore
TOKEN_FILE = "control-token"  # noqa: S105 - a file name


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a service accepts: extra host names, other origins, open control paths, the token for all other ones."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    open_paths: frozenset[str] = frozenset()
    token: str = ""
    takes_json_only: bool = False


@dataclass(frozen=True)
class Refusal:
    """An HTTP status and the reason in one sentence."""

    status: int
    message: str


class Guard:
    """An ASGI application that passes only the requests that *rules* allow on to *app*."""

    def __init__(self, app: App, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Channel, send: Channel) -> None:
        refusal = None if scope["type"] == "lifespan" else find_refusal(self.rules, scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.message})
        else:
            await answer(refusal, send)


async def answer(refusal: Refusal, send: Channel) -> None:
    body = json.dumps({"message": refusal.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def find_refusal(rules: Rules, scope: Scope) -> Refusal | None:
    """Return why the request of *scope* is refused, or ``None`` if it is allowed."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    method, path = scope.get("method", "GET"), scope["path"]
    return (
        refuse_host(rules, headers.get(b"host", ""))
        or refuse_origin(rules, headers)
        or refuse_site(method, headers.get(b"sec-fetch-site", ""))
        or (refuse_control(rules, path, headers) if path.startswith(CONTROL) else refuse_type(rules, method, headers))
    )


def refuse_host(rules: Rules, host: str) -> Refusal | None:
    name = host_name(host)
    if name in rules.hosts or is_loopback(name):
        return None
    return Refusal(403, f"The host name {name!r} is not one that this service answers to.")


def host_name(host: str) -> str:
    """Return the name or address in a Host header without its port; empty if the header is invalid."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether *name* always means this machine: a loopback address, or by RFC 6761 ``localhost`` or ``*.localhost``."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refuse_origin(rules: Rules, headers: dict[bytes, str]) -> Refusal | None:
    origin = headers.get(b"origin")
    if origin is None or origin in rules.origins or origin.partition("://")[2] == headers[b"host"]:
        return None
    return Refusal(403, f"Pages of {origin} may not call this service.")


def refuse_site(method: str, site: str) -> Refusal | None:
    """Refuse requests that the browser marks as coming from another site, but allow links from other local ports."""
    if site in {"", "none", "same-origin"} or (site == "same-site" and method in SAFE_METHODS):
        return None
    return Refusal(403, f"Pages of other sites may not call this service (Sec-Fetch-Site: {site}).")


def refuse_control(rules: Rules, path: str, headers: dict[bytes, str]) -> Refusal | None:
    given = headers.get(b"authorization", "").removeprefix("Bearer ")
    if path in rules.open_paths or (rules.token and secrets.compare_digest(given.encode(), rules.token.encode())):
        return None
    if not rules.token:
        return Refusal(403, f"{path} is closed.")
    return Refusal(
        403, f"{path} takes the token in the file {TOKEN_FILE} of the data folder: Authorization: Bearer <token>."
    )


def refuse_type(rules: Rules, method: str, headers: dict[bytes, str]) -> Refusal | None:
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if not rules.takes_json_only or method in SAFE_METHODS or kind not in SIMPLE_TYPES:
        return None
    return Refusal(415, f"The content type {kind} is not accepted here; send application/json.")


def keep_token(folder: Path) -> str:
    """Return the token of the control paths, kept in *folder* for its owner only; the first call creates it."""
    file = folder / TOKEN_FILE
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            new.write(f"{secrets.token_urlsafe(32)}\n")
    return file.read_text().strip()
