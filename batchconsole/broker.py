"""Kombu's transport for Redis, with a poll object only where something is waited for.

Kombu opens one for each attempt to reach the broker, and leaves that of a failed attempt to the garbage collector: a
web process whose broker stays away would run out of file descriptors before the collector comes by.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.utils.eventio import poll


class Poller(redis.MultiChannelPoller):
    """Opens its poll object when it is first used, which one who only publishes never does."""

    _opened: Any = None

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # kombu has no types in most places
        self._opened.close()
        self._opened = None

    @property
    def poller(self) -> Any:
        if self._opened is None:
            self._opened = poll()  # type: ignore[no-untyped-call] # as above
        return self._opened

    @poller.setter
    def poller(self, opened: Any) -> None:
        self._opened = opened

    def _on_connection_disconnect(self, connection: Any) -> None:
        if self._opened is not None:
            super()._on_connection_disconnect(connection)  # type: ignore[no-untyped-call] # as above


class Transport(redis.Transport):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call] # as above
        self.cycle = Poller()  # type: ignore[assignment] # what the base class assigns there itself


def install() -> None:
    """Have every URL of a Redis mean this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
