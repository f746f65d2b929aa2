"""AWS Signature Version 4 on the server side: compute the signature of a request again and compare it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
A signature is valid within :data:`SKEW` of its time, which also limits how long it can be replayed.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote

from batchconsole.api.gateway.incoming import Incoming

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "bedrock"
SKEW = timedelta(minutes=5)
TIME = "%Y%m%dT%H%M%SZ"
PARTS = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
CREDENTIAL = re.compile(
    r"(?P<key_id>\w{16,128})/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
UNRESERVED = "-_.~"
WRONG_HASH = "The body does not have the hash in x-amz-content-sha256."
# What stands for a hash where a client signs no body, or signs it in pieces. Source: the same page.
NO_HASH = re.compile(r"(STREAMING-)?(UNSIGNED|AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256)-PAYLOAD(-TRAILER)?")
UNSIGNED = "x-amz-content-sha256 must be the SHA-256 of the body: unsigned and streamed bodies are not taken here."
AUTHORITY = ":authority"  # HTTP/2's name for the host, under which the AWS SDK for JavaScript signs it


class SignatureRefused(Exception):
    """A request without a valid signature or key; ``code`` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The parts of an Authorization header; ``scope`` names the day, region and service of the derived key."""

    key_id: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    digest: str

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def read_signature(authorization: str) -> Signature:
    """Parse the signature in an Authorization header. Raises :class:`SignatureRefused`."""
    algorithm, _, rest = authorization.partition(" ")
    parts = dict(PARTS.findall(rest))
    credential = CREDENTIAL.fullmatch(parts.get("Credential", ""))
    if algorithm != ALGORITHM or len(parts) < len(("Credential", "SignedHeaders", "Signature")) or not credential:
        raise SignatureRefused(
            "IncompleteSignatureException",
            f"Authorization must be {ALGORITHM} with Credential=<key id>/<date>/<region>/{SERVICE}/aws4_request, "
            "SignedHeaders and Signature.",
        )
    signed = tuple(parts["SignedHeaders"].lower().split(";"))
    return Signature(**credential.groupdict(), signed_headers=signed, digest=parts["Signature"])


def check_signature(signature: Signature, incoming: Incoming, *, secret: str, region: str, now: datetime) -> None:
    """Raise :class:`SignatureRefused` unless *incoming* was signed with *secret* for *region* within SKEW of *now*."""
    _check_headers(signature, incoming)
    signed_at = _signed_at(incoming)
    _check_time(signature, signed_at, now)
    if signature.service != SERVICE:
        raise _refused(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if not hmac.compare_digest(_payload_hash(incoming), _said_hash(incoming)):
        raise _refused(UNSIGNED if NO_HASH.match(_said_hash(incoming)) else WRONG_HASH)
    expected = _sign(signature, incoming, secret, signed_at)
    if not hmac.compare_digest(expected.encode(), signature.digest.encode()):
        raise _refused(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
    if signature.region != region:
        raise _refused(f"Credential should be scoped to a valid region, not '{signature.region}': this is {region}.")


def _refused(message: str) -> SignatureRefused:
    return SignatureRefused("InvalidSignatureException", message)


def _check_headers(signature: Signature, incoming: Incoming) -> None:
    """Require signatures of the host, the time and all ``x-amz-`` headers, so nobody can change them in transit."""
    headers = incoming.headers
    needed = {
        AUTHORITY if AUTHORITY in signature.signed_headers else "host",
        *(name for name in headers if name.startswith("x-amz-") or (name == "date" and not _has_date(headers))),
    }
    missing = sorted(needed - set(signature.signed_headers))
    if missing:
        raise _refused(f"These headers must be signed: {', '.join(missing)}.")
    absent = [name for name in signature.signed_headers if name not in headers and name != AUTHORITY]
    if absent:
        raise _refused(f"These headers are signed and did not arrive: {', '.join(absent)}.")


def _has_date(headers: dict[str, str]) -> bool:
    return "x-amz-date" in headers


def _signed_at(incoming: Incoming) -> datetime:
    """Return the time in ``x-amz-date``, or in ``Date``, where botocore writes it in the format of HTTP."""
    headers = incoming.headers
    text = headers.get("x-amz-date") or headers.get("date", "")
    try:
        if _has_date(headers) or text.endswith("Z"):
            return datetime.strptime(text, TIME).replace(tzinfo=UTC)
        return parsedate_to_datetime(text.replace("-0000", "+0000")).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SignatureRefused(
            "IncompleteSignatureException", "x-amz-date must be the time of the signature, like 20260131T120000Z."
        ) from error


def _check_time(signature: Signature, signed_at: datetime, now: datetime) -> None:
    if f"{signed_at:%Y%m%d}" != signature.day:
        raise _refused(f"Date in Credential scope does not match that of x-amz-date: {signature.day}.")
    if abs(now - signed_at) > SKEW:
        state = "expired" if signed_at < now else "not yet current"
        raise _refused(
            f"Signature {state}: {signed_at:{TIME}} is more than {SKEW.seconds // 60} min. from {now:{TIME}}. "
            "Set the clock of this machine."
        )


def _payload_hash(incoming: Incoming) -> str:
    return hashlib.sha256(incoming.body).hexdigest()


def _said_hash(incoming: Incoming) -> str:
    return incoming.headers.get("x-amz-content-sha256", _payload_hash(incoming))


def _sign(signature: Signature, incoming: Incoming, secret: str, signed_at: datetime) -> str:
    canonical = canonical_request(incoming, signature.signed_headers)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, f"{signed_at:{TIME}}", signature.scope, hashed])
    key = f"AWS4{secret}".encode()
    for part in signature.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def canonical_request(incoming: Incoming, signed_headers: tuple[str, ...]) -> str:
    """Return the canonical form of the request, which both sides hash."""
    values = incoming.headers | {AUTHORITY: incoming.headers.get("host", "")}
    headers = "".join(f"{name}:{' '.join(values[name].split())}\n" for name in signed_headers)
    return "\n".join(
        [
            incoming.method,
            canonical_path(incoming.raw_path),
            canonical_query(incoming.raw_query),
            headers,
            ";".join(signed_headers),
            _payload_hash(incoming),
        ]
    )


def canonical_path(raw_path: str) -> str:
    """Return the encoded *raw_path* without dot and empty segments, encoded again, as for every service but S3."""
    parts: list[str] = []
    for part in raw_path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    slash = "/" if parts and raw_path.endswith("/") else ""
    return f"/{quote('/'.join(parts), safe=f'/{UNRESERVED}')}{slash}"


def canonical_query(raw_query: str) -> str:
    """Return the pairs of *raw_query*, uniformly encoded and sorted."""
    pairs = [part.partition("=")[::2] for part in raw_query.split("&") if part]
    encoded = sorted((_encoded_once(name), _encoded_once(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded_once(text: str) -> str:
    return quote(unquote(text), safe=UNRESERVED)
