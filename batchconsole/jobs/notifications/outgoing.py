"""Which addresses a message may connect to, and for how long: one gate for every library that sends.

The address is checked when the connection is made, after name resolution, so neither a redirect nor a name that
resolves differently a moment later gets past. The interpreter announces each connection beforehand (the audit event
``socket.connect``, https://docs.python.org/3/library/audit_events.html); an exception prevents it.
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
# Answers are a few hundred bytes, and nobody needs them, so an endless one is cut off. Linux counts the received bytes
# (struct tcp_info in linux/tcp.h); on other systems only the time limit applies.
MOST_RECEIVED_BYTES = 256 * 1024
BYTES_RECEIVED = 128  # offset of tcpi_bytes_received
LOOK_SECONDS = 0.1
# The only part of IPv6 from which public addresses are assigned; is_global counts most of what is reserved as public:
# https://www.iana.org/assignments/ipv6-address-space
UNICAST = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class Gate:
    """One sending: the addresses that it may connect to, and its deadline."""

    def __init__(self, *, seconds: float, any_address: bool) -> None:
        self.any_address = any_address
        self.refused = ""
        self.is_over = False
        self._lock = threading.Lock()
        self._copies: list[socket.socket] = []
        self._deadline = time.monotonic() + seconds
        self._closed = threading.Event()

    def pass_on(self, connection: socket.socket, address: Any) -> None:
        """Let *connection* connect to *address*. Raises PermissionError or TimeoutError if it must not."""
        host = str(address[0]) if isinstance(address, tuple) else str(address)
        if not self.any_address and not (isinstance(address, tuple) and is_permitted(host)):
            self.refused = host
            raise PermissionError(f"{host} is not a public address.")
        with self._lock:
            if self.is_over:
                raise TimeoutError("There is no time left.")
            self._copies.append(connection.dup())  # TLS takes over the descriptor of the original object

    def watch(self) -> None:
        """Shut down every connection after the deadline or too many received bytes; runs in its own thread."""
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
    """Within this block, allow only connections to public addresses and allowed networks; end them after *seconds*.

    *any_address* allows connections to every address.
    """
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
    """Return the number of received bytes, or 0 if the system does not report it."""
    if sys.platform != "linux":
        return 0
    try:
        facts = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_RECEIVED + 8)
    except OSError:  # not TCP, or closed
        return 0
    return int(struct.unpack_from("=Q", facts, BYTES_RECEIVED)[0]) if len(facts) >= BYTES_RECEIVED + 8 else 0


def is_permitted(host: str) -> bool:
    """Whether messages may be sent to the IP address *host*: a public one, or one in the operator's networks."""
    try:
        address = _innermost(ip_address(host.partition("%")[0]))
    except ValueError:
        return False
    networks = (ip_network(each.strip()) for each in settings.NOTIFICATION_NETWORKS)
    return _is_public(address) or any(address in network for network in networks)


def _is_public(address: Address) -> bool:
    is_unicast = address in UNICAST if address.version == 6 else not address.is_multicast
    return address.is_global and is_unicast


def _innermost(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 address, if any; otherwise the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


@cache
def _listen() -> None:
    """Add the audit hook, once per process: Python cannot remove one."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS and (here := _gate.get()) is not None:
        here.pass_on(*arguments[:2])
