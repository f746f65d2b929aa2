"""Where what is being done comes from: address, session, key and person of the request in hand.

Events take it from here, so that no verb has to carry it along. A worker's step has no origin.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.contrib.auth.models import User


@dataclass
class Origin:
    """One request. ``events`` counts those that were made of it; ``is_repeat``: its client has sent it before."""

    address: str | None = None
    session: str = ""
    api_key: str = ""
    actor: User | None = None
    events: int = 0
    is_repeat: bool = False


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


@contextmanager
def coming_from(origin: Origin) -> Iterator[Origin]:
    """Have every event of the block say *origin*."""
    token = _current.set(origin)
    try:
        yield origin
    finally:
        _current.reset(token)


def current() -> Origin | None:
    return _current.get()


def note_key(key_id: str) -> None:
    """From here on the request is one of the API key *key_id*."""
    if origin := current():
        origin.api_key = key_id


def note_repeat() -> None:
    """The request is one that its client sends again because no answer came."""
    if origin := current():
        origin.is_repeat = True


def is_repeat() -> bool:
    origin = current()
    return origin is not None and origin.is_repeat


def name_session(session_key: str | None) -> str:
    """A name for a session by which events can be told to be of the same one, and nobody can enter it."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:12] if session_key else ""


def address() -> str | None:
    """The default of an event's field; as the first that is asked for it counts the event."""
    origin = current()
    if origin is None:
        return None
    origin.events += 1
    return origin.address


def session() -> str:
    origin = current()
    return origin.session if origin else ""


def api_key() -> str:
    origin = current()
    return origin.api_key if origin else ""
