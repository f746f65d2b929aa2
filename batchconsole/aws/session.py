"""boto3 clients for a target: its region, endpoints and source of credentials."""

import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import IncompleteReadError, NoCredentialsError
from botocore.session import Session as CoreSession
from botocore.utils import parse_timestamp

from batchconsole.aws.call_log import log_calls
from batchconsole.aws.endpoints import is_allowed
from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.patience import of_a_page
from batchconsole.aws.upload_watch import tell_uploads

BEDROCK_SERVICES = {"bedrock": "bedrock_endpoint_url", "bedrock-runtime": "bedrock_runtime_endpoint_url"}
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(Z|[+-]\d\d:\d\d)")
LOCAL_KEY = "test"  # MiniStack's default access key and secret for the account's root
# Without a configured endpoint, use AWS's own and ignore AWS_ENDPOINT_URL, which a shell that sourced aws.env sets: a
# job for a real account must not go to the local stack.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    ignore_configured_endpoint_urls=True,
)
# A user waits for the page, which occupies one of few threads, and is better placed to retry than botocore.
PAGE_CONFIG = CONFIG.merge(Config(read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1}))
# What botocore signs requests to S3 with anyway, said for presigned URLs: those would get the old signature, which
# newer regions refuse, and a host that is not the region's and redirects, for which the signature does not hold.
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
S3_CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
# Path style for custom endpoints, because bucket names are not host names on loopback.
LOCAL_CONFIG = Config(s3={"addressing_style": "path"})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where calls are sent and how they are signed. Empty endpoint URLs mean AWS itself."""

    region: str
    endpoint_url: str = ""
    bedrock_endpoint_url: str = ""
    bedrock_runtime_endpoint_url: str = ""
    credentials: str = "default"  # default | profile | assume_role | local
    profile_name: str = ""
    role_arn: str = ""
    external_id: str = ""
    allowed_endpoints: frozenset[str] | None = None  # besides AWS's own; None allows all
    local_access_key: str = LOCAL_KEY
    local_secret_key: str = field(default=LOCAL_KEY, repr=False)
    owner: int = 0  # whose calls these are; 0 is nobody's

    def endpoint_of(self, service: str) -> str | None:
        """Return the endpoint URL of *service*, ``None`` for AWS's own. Raises AwsError (``EndpointNotAllowed``)."""
        url: str = getattr(self, BEDROCK_SERVICES.get(service, "endpoint_url"))
        if url and self.allowed_endpoints is not None and not is_allowed(url, self.allowed_endpoints):
            raise AwsError(
                f"The connection's endpoint {url} is not allowed.",
                code="EndpointNotAllowed",
                operation=f"{service} client",
                hint="The operator of the console can allow its host with BATCHCONSOLE_ALLOWED_ENDPOINTS.",
            )
        return url or None


_clients: dict[tuple[Target, str, bool], Any] = {}
_lock = Lock()  # Two threads must not create clients from a boto3 session at once; clients are safe to share.


def _forget_clients() -> None:
    _clients.clear()
    _lock.release()


# A forked worker must not share its parent's open connections, or inherit a lock that no thread will release.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget_clients)


def client(target: Target, service: str) -> Any:
    """Return the boto3 client of *service* (``"s3"``) for *target*, created once per process.

    Requests for pages get a separate client with a shorter timeout and no retries.

    Raises
    ------
    AwsError
        ``NoCredentials`` if there are none or the named profile does not exist; this is not cached, so credentials
        added later are found. Expired credentials only fail at the first call. ``EndpointNotAllowed`` if the operator
        does not allow the endpoint. ``EndpointBusy``: see ``patience.py``.
    """
    key = (target, service, of_a_page(target))
    if key not in _clients:
        with _lock, translate(f"{service} client"):
            if key not in _clients:
                _clients[key] = _make_client(*key)
    return _clients[key]


def _make_client(target: Target, service: str, is_page: bool) -> Any:
    endpoint, config = target.endpoint_of(service), PAGE_CONFIG if is_page else CONFIG
    config = config.merge(S3_CONFIG) if service == "s3" else config
    made = _session(target).client(
        service,
        region_name=target.region,
        endpoint_url=endpoint,
        config=config.merge(LOCAL_CONFIG) if endpoint else config,
    )
    log_calls(made)
    if service == "s3" and target.owner:
        tell_uploads(made, target.owner)
    made.meta.events.register("before-parse.bedrock", _have_tried_again)
    made.meta.events.register("after-call.bedrock", _require_whole)
    return made


def _have_tried_again(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Make botocore retry a truncated response, which newer versions (1.43.127) treat as an empty one."""
    if _is_cut(response_dict["headers"], response_dict["body"]):
        customized_response_dict["Error"] = {"Code": "RequestTimeout", "Message": "The answer has broken off."}


def _require_whole(http_response: Any, **_: Any) -> None:
    """Raise IncompleteReadError if the response of the last attempt was truncated too."""
    if _is_cut(http_response.headers, http_response.content):
        length = int(http_response.headers["content-length"])
        raise IncompleteReadError(actual_bytes=len(http_response.content), expected_bytes=length)


def _is_cut(headers: Any, body: Any) -> bool:
    """Whether *body*, unless it is a stream or encoded, has fewer bytes than its Content-Length."""
    length = headers.get("content-length", "")
    is_plain = isinstance(body, bytes) and "content-encoding" not in headers and length.isdecimal()
    return is_plain and len(body) < int(length)


def credentials_of(target: Target) -> Any:
    """Return botocore's credentials of *target*, which renew themselves. Raises botocore's errors if there are none."""
    return _session(target).get_credentials()


def parse_time(value: Any) -> datetime:
    """Parse a timestamp from AWS. botocore's own parser guesses the format, which dominates the time of long lists."""
    if isinstance(value, str) and ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    parsed: datetime = parse_timestamp(value)
    return parsed


def _core() -> CoreSession:
    core = CoreSession()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_time)
    return core


@lru_cache(maxsize=64)
def _session(target: Target) -> boto3.Session:
    if target.credentials == "local":
        keys = {"aws_access_key_id": target.local_access_key, "aws_secret_access_key": target.local_secret_key}
        return boto3.Session(botocore_session=_core(), region_name=target.region, **keys)
    profile = target.profile_name or None
    base = boto3.Session(botocore_session=_core(), profile_name=profile, region_name=target.region)
    if base.get_credentials() is None:
        raise NoCredentialsError
    return _assumed(base, target) if target.credentials == "assume_role" else base


def _assumed(base: boto3.Session, target: Target) -> boto3.Session:
    """Return a session with the target's role; its credentials are fetched at the first call and then renewed."""

    def sts_client(service: str, **options: Any) -> Any:
        made = base.client(service, endpoint_url=target.endpoint_of(service), **{"config": PAGE_CONFIG, **options})
        log_calls(made)
        return made

    extra = {"RoleSessionName": "batch-console"} | ({"ExternalId": target.external_id} if target.external_id else {})
    fetcher = AssumeRoleCredentialFetcher(sts_client, base.get_credentials(), target.role_arn, extra_args=extra)
    core = _core()
    core._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=core, region_name=target.region)
