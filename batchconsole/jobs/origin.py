"""The origin of the current action: address, session, API key and user of the current request.

Events read it from here, so that no verb has to pass it along. A worker's step has no origin.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.contrib.auth.models import User


@dataclass
class Origin:
    """One request. ``events`` counts the events it caused; ``is_repeat`` says that its client has sent it before."""

    address: str | None = None
    session: str = ""
    api_key: str = ""
    actor: User | None = None
    events: int = 0
    is_repeat: bool = False


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)


@contextmanager
def coming_from(origin: Origin) -> Iterator[Origin]:
    """Make every event of the block record *origin*."""
    token = _current.set(origin)
    try:
        yield origin
    finally:
        _current.reset(token)


def current() -> Origin | None:
    return _current.get()


def note_key(key_id: str) -> None:
    """Note that the current request uses the API key *key_id*."""
    if origin := current():
        origin.api_key = key_id


def note_repeat() -> None:
    """Note that the client repeats this request because it got no answer."""
    if origin := current():
        origin.is_repeat = True


def is_repeat() -> bool:
    origin = current()
    return origin is not None and origin.is_repeat


def name_session(session_key: str | None) -> str:
    """Return a name for a session that links its events but cannot be used to enter the session."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:12] if session_key else ""


def address() -> str | None:
    """Return the default of an event's address field; each call counts one event of the request."""
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
