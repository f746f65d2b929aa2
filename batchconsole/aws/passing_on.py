"""Forwarding of a request to Bedrock, signed again with the credentials of a target."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from batchconsole.aws.errors import translate
from batchconsole.aws.session import Target, client, credentials_of
from batchconsole.counts import count_call

PASSED_ON = "passed on"  # what the counts know of the operation
SIGNING_NAME = "bedrock"
CONNECT_SECONDS, READ_SECONDS = 3, 300  # a model needs minutes for a long answer
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Passed:
    """A response; ``chunks`` yields the bytes of the body and must be read or closed."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


def pass_on(
    target: Target,
    service: str,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    read_seconds: float = READ_SECONDS,
) -> Passed:
    """Send *body* to *path*, percent-encoded and with its query, at the endpoint of *service* (``bedrock-runtime``).

    *read_seconds* is the longest silence of AWS. Raises :class:`AwsError` if there are no credentials or no response;
    an error response from AWS is returned.
    """
    with translate(f"{method} {path}"):
        url = f"{client(target, service).meta.endpoint_url.rstrip('/')}{path}"
        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        SigV4Auth(credentials_of(target).get_frozen_credentials(), SIGNING_NAME, target.region).add_auth(request)
        prepared = request.prepare()
        prepared.stream_output = True
        started = time.monotonic()
        answer = _session(read_seconds).send(prepared)
    error = str(answer.status_code) if answer.status_code >= 400 else ""
    count_call(service, PASSED_ON, seconds=time.monotonic() - started, error=error)
    return Passed(answer.status_code, dict(answer.headers), _chunks(answer))


def _session(read_seconds: float) -> Any:
    return URLLib3Session(timeout=(CONNECT_SECONDS, read_seconds))


def _chunks(answer: Any) -> Iterator[bytes]:
    with closing(answer.raw):
        yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)
