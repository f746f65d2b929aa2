"""A request of an AWS client as it arrived: its path before anything was decoded, and its headers."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from django.http import HttpRequest

MAX_BODY_BYTES = 25_000_000  # the API model's bound of InvokeModel's body


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """Header names are in lower case; ``raw_path`` and ``raw_query`` are as they were sent."""

    method: str
    raw_path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read *request*; its body is read whole."""
        raw_path = request.META.get("REQUEST_URI", "").partition("?")[0] or quote(request.path)
        return cls(
            method=request.method or "",
            raw_path=raw_path,
            raw_query=request.META.get("QUERY_STRING", ""),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.read(MAX_BODY_BYTES + 1),
        )

    def path_below(self, connection: str) -> str:
        """The path as Bedrock has it, still percent-encoded."""
        return self.raw_path.removeprefix(f"/aws/{connection}")
