"""Run MiniStack with three things changed: services may assume roles for a resource, roles with a path are found by
SimulatePrincipalPolicy, and what was answered is kept.

Roles for Bedrock batch jobs are trusted with the conditions ``aws:SourceAccount`` and ``aws:SourceArn``
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html). A service hands these to STS in the headers
``x-amz-source-account`` and ``x-amz-source-arn``; MiniStack checks trust policies but knows no such keys, so no service
role with the documented conditions could ever be assumed. This entry point fills the two keys from the two headers.

MiniStack writes objects to disk at once, but buckets' settings, roles, keys and networks only when it is shut down. We
write them before a call that may have changed them is answered, so that a killed process loses nothing.

Usage: ``python -m batchconsole.localaws``, configured by MiniStack's own environment (``GATEWAY_PORT``, ``AUTH``, ...).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import iam_evaluator, persistence

SOURCE_HEADERS = {b"x-amz-source-account": "aws:sourceaccount", b"x-amz-source-arn": "aws:sourcearn"}

_source: ContextVar[Mapping[str, str]] = ContextVar("source", default=MappingProxyType({}))
_resolve_other_key = iam_evaluator._resolve_condition_key
_policies_by_name = iam_evaluator._gather_role_policies

Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]


def _resolve_condition_key(key: str, ctx: Any) -> Any:
    return _source.get().get(key.lower()) or _resolve_other_key(key, ctx)


def _gather_role_policies(role_name: str, account_id: str) -> Any:
    """The policies of a role by its name; SimulatePrincipalPolicy asks with the path before it, which finds nothing."""
    return _policies_by_name(role_name.rpartition("/")[2], account_id)


async def app(scope: Scope, receive: Channel, send: Channel) -> None:
    """MiniStack's ASGI application with the caller's source account and ARN as condition keys."""
    headers = scope.get("headers", [])
    _source.set({SOURCE_HEADERS[name]: value.decode("latin-1") for name, value in headers if name in SOURCE_HEADERS})
    await ministack_app.app(scope, receive, saving(send) if may_change_state(scope) else send)


def may_change_state(scope: Scope) -> bool:
    """Whether a request may change what is only in memory: a write, but not of an object, ``/bucket/key``."""
    if not persistence.PERSIST_STATE or scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
        return False
    return "/" not in scope["path"].strip("/")


def saving(send: Channel) -> Channel:
    """*send*, which first saves the state when a response begins: some milliseconds for the few services used."""

    async def save_and_send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            persistence.save_all(ministack_app._build_persistence_save_dict())
        await send(message)

    return save_and_send


def main() -> None:
    """Serve on ``BIND_HOST:GATEWAY_PORT`` until a signal ends the process."""
    iam_evaluator._resolve_condition_key = _resolve_condition_key
    iam_evaluator._gather_role_policies = _gather_role_policies
    config = Config()
    config.bind = [f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('GATEWAY_PORT', '4566')}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
