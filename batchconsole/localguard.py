"""What stands in front of the local stack's services, so that a web page in the same browser cannot reach them.

A browser sends any page's requests to loopback, and a name that first leads to the page's server may then lead to
127.0.0.1 (DNS rebinding). AWS clients send none of what is refused here. Standard library only: the local AWS and the
local Bedrock both use it, and neither knows the other's frameworks.
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

# What a form, or a script without asking first, can send to another site: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
SIMPLE_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
CONTROL = "/_"  # no bucket's name and none of Bedrock's paths begins with an underscore
TOKEN_FILE = "control-token"  # noqa: S105 - a file's name


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a service lets in: host names besides loopback's, other origins, open control paths, the others' token."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    open_paths: frozenset[str] = frozenset()
    token: str = ""
    takes_json_only: bool = False


@dataclass(frozen=True)
class Refusal:
    """An HTTP status, and why in one sentence."""

    status: int
    message: str


class Guard:
    """An ASGI application that hands on to *app* only what *rules* let in."""

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
    """Why the request of *scope* is not let in; ``None`` when it is."""
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
    """The name or address in a Host header, without its port; empty when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether *name* can only be this machine; by RFC 6761 that is so of ``localhost`` and whatever ends in it."""
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
    """The browser's own word on where a request comes from; a link from another port of this machine is let in."""
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
    """The token of the control paths, kept in *folder* for the folder's owner; made at the first start."""
    file = folder / TOKEN_FILE
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            new.write(f"{secrets.token_urlsafe(32)}\n")
    return file.read_text().strip()
