"""Hosts on one machine: network namespaces on a bridge, and relays from the bridge to what listens on loopback only."""

import asyncio
import contextlib
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator

BRIDGE, SERVICES = "bcrehearse", "10.97.83.1"  # the address at which the hosts reach database, broker and AWS
Opener = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def ip(*arguments: str) -> None:
    """Run iproute2's ``ip``. Raises CalledProcessError."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def bridge() -> Iterator[None]:
    """Make the bridge for the block."""
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("address", "add", f"{SERVICES}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        yield
    finally:
        ip("link", "delete", BRIDGE)


@contextlib.contextmanager
def namespace(name: str, address: str) -> Iterator[list[str]]:
    """Make a network namespace with *address* on the bridge for the block; yield the command that enters it."""
    outside, inside = f"{name}-o", f"{name}-i"
    ip("netns", "add", name)
    try:
        ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        ip("link", "set", outside, "master", BRIDGE, "up")
        ip("-n", name, "address", "add", f"{address}/24", "dev", inside)
        ip("-n", name, "link", "set", inside, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield ["ip", "netns", "exec", name]
    finally:
        ip("netns", "delete", name)


class Relays:
    """TCP ports of the bridge that lead to services of this machine, served by a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def open(self, port: int, reach: Opener) -> None:
        """Listen on *port* of the bridge, and pass each connection on to what *reach* connects to."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await reach()
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

        asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, SERVICES, port), self._loop).result(10)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what *reader* gives until its end."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def unix(path: str) -> Opener:
    return lambda: asyncio.open_unix_connection(path)


def loopback(port: int) -> Opener:
    return lambda: asyncio.open_connection("127.0.0.1", port)
