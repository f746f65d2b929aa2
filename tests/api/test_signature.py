"""Signature Version 4 against botocore's own signer: what was signed is let in, whatever was changed since is not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from batchconsole.api.gateway.incoming import Incoming
from batchconsole.api.gateway.signature import SignatureRefused, check_signature, read_signature

KEY_ID, SECRET, REGION = "BCAKABCDEFGHIJKLMNOP", "s" * 40, "us-east-1"
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Amodel-invocation-job%2Fabcdefghijkl"
Change = Callable[[Incoming], Incoming]


def signed(
    path: str = f"/aws/prod/model-invocation-job/{ARN}",
    *,
    method: str = "POST",
    body: bytes = b'{"a": 1}',
    region: str = REGION,
    service: str = "bedrock",
    headers: dict[str, str] | None = None,
) -> Incoming:
    sent = {"Content-Type": "application/json", "Host": "console.example.com", **(headers or {})}
    request = AWSRequest(method=method, url=f"https://console.example.com{path}", headers=sent, data=body)
    SigV4Auth(Credentials(KEY_ID, SECRET), service, region).add_auth(request)
    url = urlsplit(request.url)
    return Incoming(
        method=method,
        raw_path=url.path,
        raw_query=url.query,
        headers={name.lower(): str(value) for name, value in request.headers.items()},
        body=body,
    )


def check(incoming: Incoming, *, secret: str = SECRET, region: str = REGION, later: timedelta = timedelta()) -> None:
    signature = read_signature(incoming.headers["authorization"])
    check_signature(signature, incoming, secret=secret, region=region, now=datetime.now(UTC) + later)


@pytest.mark.parametrize(
    "path",
    [
        f"/aws/prod/model-invocation-job/{ARN}",
        f"/aws/prod/model-invocation-job/{ARN}/stop",
        "/aws/prod/model-invocation-job/arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl",
        "/aws/prod/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
        "/aws/prod/model-invocation-jobs?nameContains=a%20b%2Bc&maxResults=10&submitTimeAfter=2026-01-01T00%3A00%3A00Z",
        "/aws/prod/model-invocation-jobs?b=2&a=1&a=0&empty=",
        f"/aws/prod/model-invocation-job/{ARN.lower().replace('%3A', '%3a')}",
        f"/aws/prod/list-tags-for-resource?resourceARN={ARN}",
        "/aws/prod/model-invocation-jobs?nextToken=a%2Fb%3D%3D&nameContains=~",
        "/aws/prod/x/../model-invocation-jobs//",
        "/aws/prod/%E2%82%AC%21%27%28%29%2A~-_.",
        "/",
    ],
)
def test_what_botocore_signs_is_let_in(path: str) -> None:
    check(signed(path))


@pytest.mark.parametrize("headers", [{"X-Amz-Content-SHA256": ""}, {"x-amz-meta": "  two   blanks "}, {"Accept": "a"}])
def test_whatever_headers_are_signed(headers: dict[str, str]) -> None:
    headers.pop("X-Amz-Content-SHA256", "")
    check(signed(headers=headers))


def test_the_time_may_be_in_the_header_of_http() -> None:
    as_sent = signed(headers={"Date": "now"})
    assert "x-amz-date" not in as_sent.headers
    check(as_sent)


@pytest.mark.parametrize("date", ["", "now", "0", "Mon, 30 Feb 2026 00:00:00 GMT"])
def test_a_date_that_is_none_is_incomplete(date: str) -> None:
    with pytest.raises(SignatureRefused, match="must be the time"):
        check(header("date", date)(signed(headers={"Date": "now"})))


def header(name: str, value: str) -> Change:
    return lambda incoming: replace(incoming, headers=incoming.headers | {name: value})


def in_authorization(old: str, new: str) -> Change:
    def change(incoming: Incoming) -> Incoming:
        text = incoming.headers["authorization"]
        assert old in text
        return replace(incoming, headers=incoming.headers | {"authorization": text.replace(old, new)})

    return change


CHANGES: dict[str, Change] = {
    "method": lambda incoming: replace(incoming, method="GET"),
    "path": lambda incoming: replace(incoming, raw_path=incoming.raw_path + "/stop"),
    "decoded path": lambda incoming: replace(incoming, raw_path=incoming.raw_path.replace("%3A", ":")),
    "query": lambda incoming: replace(incoming, raw_query="maxResults=1000"),
    "body": lambda incoming: replace(incoming, body=b'{"a": 2}'),
    "no body": lambda incoming: replace(incoming, body=b""),
    "host": header("host", "other.example.com"),
    "type": header("content-type", "text/plain"),
    "hash": header("x-amz-content-sha256", "0" * 64),
    "no hash": header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
    "header of AWS's that is not signed": header("x-amz-target", "Elsewhere"),
    "time": header("x-amz-date", f"{datetime.now(UTC) + timedelta(seconds=1):%Y%m%dT%H%M%SZ}"),
    "not a time": header("x-amz-date", "yesterday"),
    "day": in_authorization(f"{datetime.now(UTC):%Y%m%d}/", "20200101/"),
    "signature": in_authorization("Signature=", "Signature=0"),
    "signed headers": in_authorization("content-type;host;", "host;"),
    "host not signed": in_authorization("content-type;host;", "content-type;"),
    "header that did not arrive": in_authorization("content-type;host;", "content-type;host;via;"),
    "algorithm": in_authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    "no signature": in_authorization("Signature=", "Nothing="),
    "region": in_authorization(f"/{REGION}/", "/eu-west-1/"),
    "end": in_authorization("aws4_request", "aws5_request"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_changed_since_is_refused(change: Change) -> None:
    with pytest.raises(SignatureRefused):
        check(change(signed()))


@pytest.mark.parametrize(
    "wrong",
    [{"secret": "t" * 40}, {"region": "eu-west-1"}, {"later": timedelta(minutes=6)}, {"later": -timedelta(minutes=6)}],
)
def test_a_signature_is_good_for_one_secret_one_region_and_some_minutes(wrong: dict[str, object]) -> None:
    with pytest.raises(SignatureRefused):
        check(signed(), **wrong)  # type: ignore[arg-type] # one of three


def test_a_signature_for_another_service_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="correct service"):
        check(signed(service="s3"))


@pytest.mark.parametrize("later", [timedelta(minutes=4), -timedelta(minutes=4)])
def test_clocks_may_differ_by_some_minutes(later: timedelta) -> None:
    check(signed(), later=later)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("UNSIGNED-PAYLOAD", "unsigned and streamed bodies"),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "unsigned and streamed bodies"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "unsigned and streamed bodies"),
        ("0" * 64, "does not have the hash"),
    ],
)
def test_a_body_that_is_not_signed_is_refused(said: str, says: str) -> None:
    with pytest.raises(SignatureRefused, match=says):
        check(signed(headers={"X-Amz-Content-SHA256": said}))


def test_a_host_may_be_signed_by_its_name_of_http2() -> None:
    """As the AWS SDK for JavaScript does; the name, like any other, then belongs to what is signed."""
    as_sent = signed(headers={":authority": "console.example.com", "Host": "console.example.com"})
    headers = {name: value for name, value in as_sent.headers.items() if name != ":authority"}
    check(replace(as_sent, headers=headers))
    with pytest.raises(SignatureRefused):
        check(replace(as_sent, headers=headers | {"host": "other.example.com"}))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/bedrock, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/2026/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/bedrock/aws4_request, Signature=0",
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host",
        "Basic YTpi",
        "AWS4-HMAC-SHA256 " + "Credential=," * 10_000,
    ],
)
def test_a_header_that_is_no_signature_is_incomplete(authorization: str) -> None:
    with pytest.raises(SignatureRefused) as refused:
        read_signature(authorization)
    assert refused.value.code == "IncompleteSignatureException"


def test_the_order_in_the_header_does_not_matter() -> None:
    incoming = signed()
    algorithm, _, parts = incoming.headers["authorization"].partition(" ")
    turned = f"{algorithm} {','.join(reversed(parts.split(', ')))}"
    check(header("authorization", turned)(incoming))
