"""Who calls the JSON API, and how often: a bearer key, and so many calls a minute for each."""

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
    """The key has used up its calls; ``seconds`` until it has new ones."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"This key has used up its {settings.API_CALLS_PER_MINUTE} calls of this minute.")
        self.seconds = seconds


class KeySignIn(HttpBearer):
    """``Authorization: Bearer <key>``."""

    openapi_description = "A key that one makes under API keys."

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The key's owner, limited to what the key may do; ``None`` for anybody else. Raises :class:`TooMany`."""
        key = find_by_token(token)
        if key is None:
            return None
        _count_call(request, key.key_id)
        limit_to_key(key.user, key)
        return key.user


def _count_call(request: HttpRequest, key_id: str) -> None:
    """Count in windows of a minute; each process for itself, since the bound is for loops gone wild, not for a bill."""
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
    """What a client goes by: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""
    limit = settings.API_CALLS_PER_MINUTE
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(seconds)}


def headers_of(request: HttpRequest) -> dict[str, str]:
    """The headers for the answer to *request*."""
    found: Any = getattr(request, LEFT, {})
    return dict(found)
