"""What a message may connect to, and for how long: the one gate for every library that sends one.

The address is judged where the connection is made, after names were resolved, so neither a name that leads elsewhere a
moment later nor a redirect gets past. The interpreter tells of each connection beforehand (the audit event
``socket.connect``, https://docs.python.org/3/library/audit_events.html); an exception keeps it from being made.
"""

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

Address = IPv4Address | IPv6Address
EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
# An answer is a few hundred bytes, and nobody needs it: what sends on and on is cut off. Linux counts what came in
# (struct tcp_info of linux/tcp.h); elsewhere time alone is the bound.
MOST_RECEIVED_BYTES = 256 * 1024
BYTES_RECEIVED = 128  # where tcpi_bytes_received stands in it
LOOK_SECONDS = 0.1
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class Gate:
    """One sending: what it may reach, and until when."""

    def __init__(self, *, seconds: float, any_address: bool) -> None:
        self.any_address = any_address
        self.refused = ""
        self.is_over = False
        self._lock = threading.Lock()
        self._copies: list[socket.socket] = []
        self._deadline = time.monotonic() + seconds
        self._closed = threading.Event()

    def pass_on(self, connection: socket.socket, address: Any) -> None:
        """Let *connection* be made to *address*. Raises OSError where it may not."""
        host = str(address[0]) if isinstance(address, tuple) else str(address)
        if not self.any_address and not (isinstance(address, tuple) and is_permitted(host)):
            self.refused = host
            raise PermissionError(f"{host} is not a public address.")
        with self._lock:
            if self.is_over:
                raise TimeoutError("There is no time left.")
            self._copies.append(connection.dup())  # TLS takes the descriptor away from the first object

    def watch(self) -> None:
        """End every connection once time is up, or too much has come; in a thread of its own."""
        while not self._closed.wait(LOOK_SECONDS):
            if time.monotonic() > self._deadline or self._received() > MOST_RECEIVED_BYTES:
                return self._shut()

    def _received(self) -> int:
        with self._lock:
            return sum(_bytes_received(copy) for copy in self._copies)

    def _shut(self) -> None:
        with self._lock:
            self.is_over = True
            for copy in self._copies:
                with contextlib.suppress(OSError):
                    copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            for copy in self._copies:
                copy.close()
            self._copies.clear()


_gate: ContextVar[Gate | None] = ContextVar("gate_of_notifications", default=None)


@contextlib.contextmanager
def gate(*, seconds: float, any_address: bool = False) -> Iterator[Gate]:
    """In this block connections go to public addresses and allowed networks only, and end after *seconds*."""
    _listen()
    here = Gate(seconds=seconds, any_address=any_address)
    token = _gate.set(here)
    threading.Thread(target=here.watch, name="gate", daemon=True).start()
    try:
        yield here
    finally:
        _gate.reset(token)
        here.close()


def _bytes_received(connection: socket.socket) -> int:
    """How much has come in, as far as the system tells."""
    if sys.platform != "linux":
        return 0
    try:
        facts = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_RECEIVED + 8)
    except OSError:  # no TCP, or gone
        return 0
    return int(struct.unpack_from("=Q", facts, BYTES_RECEIVED)[0]) if len(facts) >= BYTES_RECEIVED + 8 else 0


def is_permitted(host: str) -> bool:
    """Whether a message may be sent to the IP address *host*: a public one, or one in the operator's networks."""
    try:
        address = _innermost(ip_address(host.partition("%")[0]))
    except ValueError:
        return False
    networks = (ip_network(each.strip()) for each in settings.NOTIFICATION_NETWORKS)
    return (address.is_global and not address.is_multicast) or any(address in network for network in networks)


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


@cache
def _listen() -> None:
    """Hear of connections from now on; once, for a hook cannot be taken away."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS and (here := _gate.get()) is not None:
        here.pass_on(*arguments[:2])
