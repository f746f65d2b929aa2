"""A request from an AWS client as received: its path before decoding, and its headers."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from django.http import HttpRequest

MAX_BODY_BYTES = 25_000_000  # the API model's limit for InvokeModel's body


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A received request. Header names are in lower case; ``raw_path`` and ``raw_query`` are as sent."""

    method: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read *request* and its body, which is cut at one byte over the limit."""
        raw_path = request.META.get("REQUEST_URI", "").partition("?")[0] or quote(request.path)
        return cls(
            method=request.method or "",
            raw_path=raw_path,
            raw_query=request.META.get("QUERY_STRING", ""),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.read(MAX_BODY_BYTES + 1),
        )

    def path_below(self, connection: str) -> str:
        """Return the path in Bedrock's API, still percent-encoded."""
        return self.raw_path.removeprefix(f"/aws/{connection}")
