"""Run MiniStack, a local AWS, with the changes that the console needs and a guard against web pages in front of it.

The guard is :mod:`batchconsole.localguard`; it also closes MiniStack's own control paths, except the health check.

Source conditions: the trust policies of roles for Bedrock batch jobs have the conditions ``aws:SourceAccount`` and
``aws:SourceArn`` (https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html). A service passes these
values to STS in the headers ``x-amz-source-account`` and ``x-amz-source-arn``. MiniStack checks trust policies but does
not know the two keys, so no role with the documented conditions could be assumed. Here the headers supply the keys.

Roles with a path: SimulatePrincipalPolicy finds them too.

Persistence: MiniStack writes objects to disk immediately, but bucket settings, roles, keys and networks only at
shutdown. Here they are written before a call that may have changed them is answered, so a killed process loses nothing.

Ranged reads: MiniStack reads the whole object from disk for each of them. Paging through results and checking inputs
takes hundreds of ranged reads of objects of up to a gigabyte, so they get the file as a memory map.

Owners and KMS keys: MiniStack ignores ``x-amz-expected-bucket-owner`` and accepts any KMS key id, so a wrong value, or
a role without ``kms:GenerateDataKey``, would only show up on AWS. Here S3 refuses them as AWS does.

Events: the local Bedrock sends events with the same source as AWS's, which EventBridge accepts only from AWS services.
The header ``x-localbedrock-emitter`` marks a request as coming from the service itself.

Multipart uploads: the initiator of an upload may abort it. MiniStack would require a permission that the documented
service roles do not have (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions).
Here ``s3:PutObject`` is enough.

Root access keys: MiniStack accepts the configured key, ``test``, any twelve digits and, for S3, no key at all, and does
not check their signatures. Here only the configured key is accepted, and its signature is checked.

Usage: ``python -m batchconsole.localaws``, configured by MiniStack's own environment (``GATEWAY_PORT``, ``AUTH``, ...).
"""

import asyncio
import mmap
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack_app
from ministack.core import iam_actions, iam_evaluator, persistence
from ministack.core.responses import get_account_id
from ministack.core.router import extract_access_key_id, extract_region
from ministack.services import eventbridge, kms, s3, sts

from batchconsole.localguard import Guard, Rules

HEALTH = "/_ministack/health"
EVENTS_KEPT = 100
SOURCE_HEADERS = {b"x-amz-source-account": "aws:sourceaccount", b"x-amz-source-arn": "aws:sourcearn"}

_source: ContextVar[Mapping[str, str]] = ContextVar("source", default=MappingProxyType({}))
_is_emitter: ContextVar[bool] = ContextVar("is_emitter", default=False)
_is_ranged: ContextVar[bool] = ContextVar("is_ranged", default=False)
_resolve_other_key = iam_evaluator._resolve_condition_key
_policies_by_name = iam_evaluator._gather_role_policies
_read_whole_body = s3._read_body
_handle_s3_request = s3.handle_request
_put_events_of = eventbridge._put_events
_resolve_encryption = s3._resolve_sse_write_headers

Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]


def _resolve_condition_key(key: str, ctx: Any) -> Any:
    return _source.get().get(key.lower()) or _resolve_other_key(key, ctx)


def _is_root_access_key(access_key_id: str) -> bool:
    return access_key_id == os.environ.get("AWS_ACCESS_KEY_ID", "test")


def _is_exempt_from_signing(access_key_id: str) -> bool:
    return False


def _gather_role_policies(role_name: str, account_id: str) -> Any:
    """Return a role's policies by its name alone; SimulatePrincipalPolicy passes path and name, which finds nothing."""
    return _policies_by_name(role_name.rpartition("/")[2], account_id)


def _read_body(bucket: str, key: str, stored: dict[str, Any]) -> bytes | mmap.mmap:
    """Return the bytes of an object; for a ranged read of a file on disk, a memory map, which slices like bytes."""
    path = s3._object_disk_path(bucket, key) if _is_ranged.get() and stored.get("body") is None else None
    if path is None or not os.path.isfile(path) or not os.path.getsize(path):
        return _read_whole_body(bucket, key, stored)  # type: ignore[no-any-return] # MiniStack is untyped
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
    """Answer PutEvents, after dropping all but the last events: MiniStack would keep every event for ever."""
    del eventbridge._events_log_list()[:-EVENTS_KEPT]
    return _put_events_of(data, allow_aws_source=allow_aws_source or _is_emitter.get())


async def _handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], **options: Any
) -> Any:
    """Return S3's answer, or AccessDenied if ``x-amz-expected-bucket-owner`` is not this account."""
    if headers.get("x-amz-expected-bucket-owner", get_account_id()) != get_account_id():
        return s3._error("AccessDenied", "Access Denied", 403, path)
    return await _handle_s3_request(method, path, headers, body, query, **options)


def _resolve_sse_write_headers(headers: dict[str, str], bucket: str) -> Any:
    """Return the encryption of a new object, or an error if its KMS key is missing, disabled or denied."""
    key_id = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    key = kms._resolve_key(key_id)
    if key_id and key is None:
        return None, s3._error("KMS.NotFoundException", f"Key '{key_id}' does not exist", 400)
    if key and key["KeyState"] != "Enabled":
        return None, s3._error("KMS.DisabledException", f"{key['Arn']} is disabled.", 400)
    if key and _is_denied(headers, key["Arn"]):
        message = f"User is not authorized to perform: kms:GenerateDataKey on resource: {key['Arn']}"
        return None, s3._error("AccessDenied", message, 403)
    return _resolve_encryption(headers, bucket)


def _is_denied(headers: dict[str, str], key_arn: str) -> bool:
    """Whether the caller lacks ``kms:GenerateDataKey`` through S3 on the key."""
    region = extract_region(headers)
    via_s3 = {"kms:ViaService": f"s3.{region}.amazonaws.com"}
    access_key = extract_access_key_id(headers) or ""
    denied = iam_evaluator.enforce(access_key, "kms:GenerateDataKey", "s3", region, key_arn, via_s3)
    return denied is not None


async def app(scope: Scope, receive: Channel, send: Channel) -> None:
    """The ASGI application: MiniStack's, with the request headers above taken into account and the state saved."""
    headers = scope.get("headers", [])
    _source.set({SOURCE_HEADERS[name]: value.decode("latin-1") for name, value in headers if name in SOURCE_HEADERS})
    _is_emitter.set(any(name == b"x-localbedrock-emitter" for name, _ in headers))
    _is_ranged.set(scope.get("method") == "GET" and any(name == b"range" for name, _ in headers))
    await ministack_app.app(scope, receive, saving(send) if may_change_state(scope) else send)


def may_change_state(scope: Scope) -> bool:
    """Whether a request may change state that is only in memory: any write, except to an object (``/bucket/key``)."""
    if not persistence.PERSIST_STATE or scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
        return False
    return "/" not in scope["path"].strip("/")


def saving(send: Channel) -> Channel:
    """Wrap *send* to save the state before a response starts, which takes a few milliseconds."""

    async def save_and_send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            persistence.save_all(ministack_app._build_persistence_save_dict())
        await send(message)

    return save_and_send


def rules() -> Rules:
    """Read the guard's rules from the environment. The host that the server binds to is always allowed."""
    hosts, origins = (
        os.environ.get(name, "").split(",")
        for name in ("BATCHCONSOLE_LOCALAWS_ALLOWED_HOSTS", "BATCHCONSOLE_LOCALAWS_ALLOWED_ORIGINS")
    )
    return Rules(
        hosts=frozenset({*filter(None, hosts), os.environ.get("BIND_HOST", "127.0.0.1")}),
        origins=frozenset(filter(None, origins)),
        open_paths=frozenset({HEALTH}),
    )


def main() -> None:
    """Serve on ``BIND_HOST:GATEWAY_PORT`` until a signal; if the port is taken, print one line and exit with code 1."""
    iam_evaluator._is_root_key = _is_exempt_from_signing
    iam_evaluator.is_root_access_key = sts.is_root_access_key = _is_root_access_key
    iam_evaluator._resolve_condition_key = _resolve_condition_key
    iam_evaluator._gather_role_policies = _gather_role_policies
    iam_actions._S3_QUERY_ACTIONS["uploadId"]["DELETE"] = "PutObject"
    eventbridge._put_events = _put_events
    s3._read_body = _read_body
    s3.handle_request = _handle_request
    s3._resolve_sse_write_headers = _resolve_sse_write_headers
    config = Config()
    config.bind = [f"{os.environ.get('BIND_HOST', '127.0.0.1')}:{os.environ.get('GATEWAY_PORT', '4566')}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    try:
        asyncio.run(serve(Guard(app, rules()), config))  # type: ignore[arg-type] # MiniStack's ASGI app is untyped
    except OSError as error:
        sys.exit(f"Cannot listen on {config.bind[0]}: {error.strerror}.")


if __name__ == "__main__":
    main()
