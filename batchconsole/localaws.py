"""Run MiniStack so that an AWS service may assume a role on behalf of a resource. Nothing else is changed.

Roles for Bedrock batch jobs are trusted with the conditions ``aws:SourceAccount`` and ``aws:SourceArn``
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html). A service hands these to STS in the headers
``x-amz-source-account`` and ``x-amz-source-arn``; MiniStack checks trust policies but knows no such keys, so no service
role with the documented conditions could ever be assumed. This entry point fills the two keys from the two headers.

Usage: ``python -m batchconsole.localaws``, configured by MiniStack's own environment (``GATEWAY_PORT``, ``AUTH``, ...).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import iam_evaluator

SOURCE_HEADERS = {b"x-amz-source-account": "aws:sourceaccount", b"x-amz-source-arn": "aws:sourcearn"}

_source: ContextVar[dict[str, str]] = ContextVar("source", default={})
_resolve_other_key = iam_evaluator._resolve_condition_key

Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]


def _resolve_condition_key(key: str, ctx: Any) -> Any:
    return _source.get().get(key.lower()) or _resolve_other_key(key, ctx)


async def app(scope: Scope, receive: Channel, send: Channel) -> None:
    """MiniStack's ASGI application with the caller's source account and ARN as condition keys."""
    headers = scope.get("headers", [])
    _source.set({SOURCE_HEADERS[name]: value.decode("latin-1") for name, value in headers if name in SOURCE_HEADERS})
    await ministack_app.app(scope, receive, send)


def main() -> None:
    """Serve on ``BIND_HOST:GATEWAY_PORT`` until a signal ends the process."""
    iam_evaluator._resolve_condition_key = _resolve_condition_key
    config = Config()
    config.bind = [f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('GATEWAY_PORT', '4566')}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
