"""Amazon S3: convert the many notations of a location to its ``s3://`` URI. Pure: this module makes no calls.

Users paste what they have: an ARN from a policy, the URL of an object, of a page in the AWS console or in this console,
or a URI in quotation marks from a command. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-arn-format.html.
"""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

SCHEME = "s3://"
QUOTES = "\"'`<>\u201c\u201d\u2018\u2019"
# s3a and s3n are Hadoop's schemes for S3.
SCHEMES = re.compile(r"s3[an]?://", re.IGNORECASE)
ARN = re.compile(r"arn:aws[a-z-]*:s3:::(?P<bucket>[^/:*]+)(?:/(?P<key>.*))?")
# bucket.s3.eu-west-1.amazonaws.com; without a bucket in the host name, it is the first segment of the path.
HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.|fips\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?"
)
CONSOLE_HOST = re.compile(r"(?:[a-z0-9-]+\.)*console\.(?:aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)")
CONSOLE_PATH = re.compile(r"/s3/(?:buckets|object|upload)/(?P<bucket>[^/]+)")


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/some/key`` into ``("bucket", "some/key")``; the key may be empty. Raises ValueError."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise ValueError(f"{uri!r} is not an S3 location. Write it as s3://bucket/prefix.")
    return bucket, key


def s3_uri(text: str) -> str:
    """Return *text* as ``s3://bucket/key`` if it denotes an S3 location, else stripped of whitespace and quotes."""
    text = text.strip().strip(QUOTES).strip()
    scheme = SCHEMES.match(text)
    if scheme:
        return SCHEME + text[scheme.end() :]
    arn = ARN.fullmatch(text)
    if arn:
        # In a policy, /* means every object in a folder.
        return _uri(arn["bucket"], re.sub(r"(^|/)\*$", r"\1", arn["key"] or ""))
    return _of_address(text) if re.match(r"https?://", text, re.IGNORECASE) else text


def _of_address(text: str) -> str:
    try:
        address = urlsplit(text)
        host = (address.hostname or "").lower()
    except ValueError:  # an invalid IPv6 address
        return text
    return _of_object(address, host) or _of_console(address, host) or _of_query(address) or text


def _of_object(address: SplitResult, host: str) -> str:
    match = HOST.fullmatch(host)
    path = unquote(address.path).removeprefix("/")
    if match is None:
        return ""
    if match["bucket"]:
        return _uri(match["bucket"], path)
    bucket, _, key = path.partition("/")
    return _uri(bucket, key) if bucket else ""


def _of_console(address: SplitResult, host: str) -> str:
    path = CONSOLE_PATH.match(address.path)
    if path is None or not CONSOLE_HOST.fullmatch(host):
        return ""
    return _uri(path["bucket"], parse_qs(address.query).get("prefix", [""])[0])


def _of_query(address: SplitResult) -> str:
    """Return the location that a page of this console shows, whatever the console's host; empty for other URLs."""
    uri = parse_qs(address.query).get("uri", [""])[0]
    return uri if "/s3/" in address.path and uri.startswith(SCHEME) else ""


def _uri(bucket: str, key: str) -> str:
    return f"{SCHEME}{bucket}/{key}"
