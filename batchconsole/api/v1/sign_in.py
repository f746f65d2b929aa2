"""Authentication and rate limit of the JSON API: a bearer key, and a number of calls per minute for each key."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.http import HttpRequest
from ninja.security import HttpBearer

from batchconsole.jobs.access import limit_to_key
from batchconsole.jobs.api_keys import find_by_token

WINDOW_SECONDS = 60
LEFT = "_calls_left"


class TooMany(Exception):
    """The key has used up its calls; in ``seconds`` it gets new ones."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"This key has used up its {settings.API_CALLS_PER_MINUTE} calls of this minute.")
        self.seconds = seconds


class KeySignIn(HttpBearer):
    """Authentication by ``Authorization: Bearer <key>``."""

    openapi_description = "A key that one makes under API keys."

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the key's owner, limited to its rights, or ``None`` for an unknown key. Raises :class:`TooMany`."""
        key = find_by_token(token)
        if key is None:
            return None
        _count_call(request, key.key_id)
        limit_to_key(key.user, key)
        return key.user


def _count_call(request: HttpRequest, key_id: str) -> None:
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
    setattr(request, LEFT, rate_headers(max(left, 0), seconds))
    if left < 0:
        raise TooMany(seconds)


def rate_headers(left: int, seconds: int) -> dict[str, str]:
    """Return the headers of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""
    limit = settings.API_CALLS_PER_MINUTE
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(seconds)}


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Return the rate limit headers for the response to *request*, empty if the call was not counted."""
    found: Any = getattr(request, LEFT, {})
    return dict(found)
