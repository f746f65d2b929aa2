"""Kombu's Redis transport, changed in two ways that matter while the broker is away.

Kombu opens a poll object for each attempt to reach the broker and leaves those of failed attempts to the garbage
collector: a web process would run out of file descriptors before they are collected. Here it is opened when needed.

A worker that loses the broker in the middle of a step closes its connection, and then asks the closed one for the
parameters of a new one, to give its messages back: an AttributeError, which ends the worker. Here it is told that the
connection is lost, which it can handle.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.utils.eventio import poll
from redis.exceptions import ConnectionError as ConnectionLost


class Poller(redis.MultiChannelPoller):
    """A poller that opens its poll object on first use. A process that only publishes never opens one."""

    _opened: Any = None

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # kombu is mostly untyped
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


class Channel(redis.Channel):
    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection.client is None:
            raise ConnectionLost("The connection to the broker is closed.")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call] # as above


class Transport(redis.Transport):
    Channel = Channel

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call] # as above
        self.cycle = Poller()  # type: ignore[assignment] # the base class assigns a poller here too


def install() -> None:
    """Make kombu use this transport for all ``redis://`` and ``rediss://`` URLs."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
