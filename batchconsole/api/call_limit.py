"""How many calls a key may make in a minute: of the APIs and SDKs together, and of the AWS gateway on its own."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

WINDOW_SECONDS = 60
LEFT = "_calls_left"


class TooMany(Exception):
    """The key has used up its calls; in ``seconds`` it gets new ones."""

    def __init__(self, seconds: int, limit: int) -> None:
        super().__init__(f"This key has used up its {limit} calls of this minute.")
        self.seconds = seconds


def count_call(request: HttpRequest, key_id: str) -> None:
    """Count the call in a one-minute window. Raises :class:`TooMany` if the key has no calls left."""
    left, seconds = _count(f"api-calls:{key_id}", settings.API_CALLS_PER_MINUTE)
    setattr(request, LEFT, _rate_headers(max(left, 0), seconds))
    if left < 0:
        raise TooMany(seconds, settings.API_CALLS_PER_MINUTE)


def count_gateway_call(key_id: str) -> None:
    """Count a call of the gateway. Raises :class:`TooMany`, which AWS's clients know as throttling and wait for."""
    left, seconds = _count(f"gateway-calls:{key_id}", settings.GATEWAY_CALLS_PER_MINUTE)
    if left < 0:
        raise TooMany(seconds, settings.GATEWAY_CALLS_PER_MINUTE)


def _count(what: str, limit: int) -> tuple[int, int]:
    """Return how many calls are left, negative beyond *limit*, and in how many seconds there are new ones.

    Each process counts on its own, because the limit is there to stop runaway loops, not to bill.
    """
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    name, calls = f"{what}:{window}", caches["calls"]
    calls.add(name, 0, 2 * WINDOW_SECONDS)
    return limit - int(calls.incr(name)), int((window + 1) * WINDOW_SECONDS - now) + 1


def _rate_headers(left: int, seconds: int) -> dict[str, str]:
    """Return the headers of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""
    limit = settings.API_CALLS_PER_MINUTE
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(seconds)}


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Return the rate limit headers for the response to *request*, empty if the call was not counted."""
    found: Any = getattr(request, LEFT, {})
    return dict(found)
