"""How many calls a key may make in a minute, of the JSON API and of OpenAI's and Anthropic's dialects together."""

import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest

WINDOW_SECONDS = 60
LEFT = "_calls_left"


class TooMany(Exception):
    """The key has used up its calls; in ``seconds`` it gets new ones."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"This key has used up its {settings.API_CALLS_PER_MINUTE} calls of this minute.")
        self.seconds = seconds


def count_call(request: HttpRequest, key_id: str) -> None:
    """Count the call in a one-minute window. Raises :class:`TooMany` if the key has no calls left.

    Each process counts on its own, because the limit is there to stop runaway loops, not to bill.
    """
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    name = f"api-calls:{key_id}:{window}"
    calls = caches["calls"]
    calls.add(name, 0, 2 * WINDOW_SECONDS)
    left = settings.API_CALLS_PER_MINUTE - int(calls.incr(name))
    seconds = int((window + 1) * WINDOW_SECONDS - now) + 1
    setattr(request, LEFT, _rate_headers(max(left, 0), seconds))
    if left < 0:
        raise TooMany(seconds)


def _rate_headers(left: int, seconds: int) -> dict[str, str]:
    """Return the headers of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""
    limit = settings.API_CALLS_PER_MINUTE
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(seconds)}


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Return the rate limit headers for the response to *request*, empty if the call was not counted."""
    found: Any = getattr(request, LEFT, {})
    return dict(found)
