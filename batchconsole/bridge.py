"""A bridge between an asynchronous web server and the console's WSGI application, so slow clients hold up nobody else.

A WSGI server keeps a thread busy for the whole request, however slow the client is. Sixty clients that send half a
request, or read half a response, can occupy every thread. Here a request needs a thread only while it computes:

- The event loop receives a body of up to ``buffered_bytes`` before the thread starts, and sends a response of up to
  that size after the thread is done.
- A larger body or response is streamed by its thread, which lets another request compute whenever it waits for its
  client. At most ``streams`` of them run at once; the next one is refused with 503.
- A request that has waited for ``wait_seconds`` before it can compute is refused with 503, which takes no time, so the
  queue of an overloaded process stays as short as that.
- A larger body is accepted only where ``limit_of`` allows it for the path, and only up to that limit.
- A client has to transfer ``bytes_per_second`` on average and may not pause for longer than ``idle_seconds``.

The server itself limits the time and size of a request's head. This module does not depend on Django, only on WSGI
(PEP 3333) and ASGI 3.
"""

import asyncio
import contextlib
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from threading import BoundedSemaphore
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]
Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
T = TypeVar("T")

MIB = 1 << 20
BUSY = "The console is busy and has not begun this request. Try again in a moment."
UNSENT = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


@dataclass(frozen=True, kw_only=True)
class BridgeLimits:
    """The limits of one process."""

    pages: int = 8  # requests that compute at the same time
    streams: int = 24  # large bodies and responses in transfer at the same time
    # Until a request computes, after which it is refused: people and load balancers give up at half a minute or later.
    wait_seconds: float = 15
    buffered_bytes: int = 2_621_440  # Django's default limit for forms, DATA_UPLOAD_MAX_MEMORY_SIZE
    held_bytes: int = 128 * MIB  # total of all buffered bodies
    idle_seconds: float = 30
    grace_seconds: float = 30  # before the average speed is enforced
    bytes_per_second: int = 16 * 1024


class Refused(Exception):
    """The request is refused with a status and a message, and its connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Gone(OSError):
    """The client has disconnected. WSGI applications expect an OSError when a body breaks off."""


@dataclass
class Client:
    """The client of one request: receive from it and send to it within its time limits."""

    receive_message: Channel
    send_message: Channel
    limits: BridgeLimits
    waited_seconds: float = 0
    moved_bytes: int = 0
    is_at_end: bool = False
    is_gone: bool = False

    async def receive(self) -> bytes:
        """Return the next chunk of the body, empty at its end. Raises Gone or TimeoutError."""
        piece = b""
        while not piece and not self.is_at_end:
            message = await self._in_time(self.receive_message())
            if message["type"] == "http.disconnect":
                raise Gone("The client has closed the connection.")
            self.is_at_end = not message.get("more_body", False)
            piece = message.get("body", b"")
            self.moved_bytes += len(piece)
        return piece

    async def send(self, message: Message) -> None:
        """Send one ASGI message of the response. Raises Gone, or TimeoutError if the client does not take it."""
        if self.is_gone:
            raise Gone("The client has closed the connection.")
        await self._in_time(self.send_message(message))
        self.moved_bytes += len(message.get("body", b""))

    async def _in_time(self, step: Awaitable[T]) -> T:
        limits, started = self.limits, time.monotonic()
        left = limits.grace_seconds + self.moved_bytes / limits.bytes_per_second - self.waited_seconds
        try:
            async with asyncio.timeout(max(0, min(left, limits.idle_seconds))):
                return await step
        finally:
            self.waited_seconds += time.monotonic() - started

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole response."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def notice_going(self) -> None:
        """Wait until the client disconnects and mark it as gone, because sending does not report a disconnect."""
        while (await self.receive_message())["type"] != "http.disconnect":
            continue
        self.is_gone = True

    async def refuse(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole response and ask the server to close the connection."""
        told = {**headers, "content-length": str(len(body)), "connection": "close"}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
        await self.answer(status, encoded, body)


class Answer(Protocol):
    """The response to a refused request."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Bridge:
    """The ASGI application that serves *app*.

    ``limit_of`` returns the limit for large bodies at a path, in bytes. ``refuse`` builds the response to a refused
    request from the path, the status and a message, in the format that clients of the path expect.
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        limit_of: Callable[[str], int],
        refuse: Callable[[str, int, str], Answer],
        limits: BridgeLimits | None = None,
    ) -> None:
        self.app = app
        self.limit_of = limit_of
        self.refuse = refuse
        self.limits = limits or BridgeLimits()
        self.pages = BoundedSemaphore(self.limits.pages)
        self.streams = BoundedSemaphore(self.limits.streams)
        self.threads = ThreadPoolExecutor(self.limits.pages + self.limits.streams, thread_name_prefix="web")
        self.held_bytes = 0

    async def __call__(self, scope: Scope, receive: Channel, send: Channel) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, Client(receive, send, self.limits))

    async def _serve(self, scope: Scope, client: Client) -> None:
        with contextlib.suppress(TimeoutError, Gone):  # the client is too slow even for a refusal, or has gone
            try:
                await self._exchange(scope, client)
            except Refused as refused:
                answer = self.refuse(scope["path"], refused.status, str(refused))
                await client.refuse(refused.status, answer.headers, answer.body)

    async def _exchange(self, scope: Scope, client: Client) -> None:
        length = declared_length(scope)
        if length > self.limits.buffered_bytes:
            self._require_room(scope["path"], length)
            await self._run(Exchange(self, client, make_environ(scope, length)))
            return
        with self._held() as body:
            await self._receive(client, body)
            size = body.tell()
            body.seek(0)
            await self._run(Exchange(self, client, make_environ(scope, size), body))

    async def _run(self, exchange: "Exchange") -> None:
        """Compute the response in a thread and send it from here, unless the thread has already streamed it."""
        rest = await asyncio.get_running_loop().run_in_executor(self.threads, exchange.run)
        if rest is not None:
            await exchange.client.answer(exchange.status, exchange.headers, b"".join(rest))

    def _require_room(self, path: str, length: int) -> None:
        limit = self.limit_of(path)
        if length > limit:
            most = max(limit, self.limits.buffered_bytes)
            raise Refused(413, f"The request is too large: {length} bytes, and at most {most} are taken here.")

    @contextlib.contextmanager
    def _held(self) -> Iterator[io.BytesIO]:
        """Yield a buffer for a body; its bytes count towards ``held_bytes`` until the block ends."""
        body = io.BytesIO()
        try:
            yield body
        finally:
            self.held_bytes -= len(body.getvalue())

    async def _receive(self, client: Client, body: io.BytesIO) -> None:
        try:
            while piece := await client.receive():
                if body.tell() + len(piece) > self.limits.buffered_bytes:
                    raise Refused(411, "A request of this size has to say its Content-Length.")
                if self.held_bytes + len(piece) > self.limits.held_bytes:
                    raise Refused(503, "Too many requests are being received. Try again in a moment.")
                self.held_bytes += len(piece)
                body.write(piece)
        except TimeoutError as error:
            client.waited_seconds = 0
            raise Refused(408, "The request took too long to arrive.") from error


@dataclass
class Exchange:
    """One call of the WSGI application in a thread."""

    bridge: Bridge
    client: Client
    environ: Environ
    body: io.BytesIO | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    asked_at: float = field(default_factory=time.monotonic)
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)

    def run(self) -> list[bytes] | None:
        """Compute the response and return its chunks if it is small; stream it and return ``None`` if it is large."""
        with contextlib.ExitStack() as stack:
            if self.body is None:
                stack.enter_context(self._stream("uploads"))
            self.environ["wsgi.input"] = self.body or io.BufferedReader(ArrivingBody(self))
            stack.enter_context(self._turn())
            answer = self.bridge.app(self.environ, self._start_response)
            stack.callback(getattr(answer, "close", lambda: None))
            pieces = iter(answer)
            first, is_all = take(pieces, self.bridge.limits.buffered_bytes)
            if is_all:
                return [*self.written, *first]
            stack.enter_context(self._stream("downloads"))
            going = asyncio.run_coroutine_threadsafe(self.client.notice_going(), self.loop)
            stack.callback(going.cancel)
            self._send_all(chain(self.written, first, pieces))
            return None

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self.written.append

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Be one of the requests that compute. Raises Refused (503) if it waits too long for that.

        Threads do not get their turn in the order in which they began to wait, so each has to watch the time itself.
        """
        left = self.asked_at + self.bridge.limits.wait_seconds - time.monotonic()
        if left < 0 or not self.bridge.pages.acquire(timeout=left):
            raise Refused(503, BUSY)
        try:
            yield
        finally:
            self.bridge.pages.release()

    @contextlib.contextmanager
    def _stream(self, what: str) -> Iterator[None]:
        """Occupy one of the few streams, each of which needs a thread for the whole transfer. Raises Refused (503)."""
        if not self.bridge.streams.acquire(blocking=False):
            raise Refused(503, f"Too many {what} are under way. Try again in a moment.")
        try:
            yield
        finally:
            self.bridge.streams.release()

    def _send_all(self, pieces: Iterable[bytes]) -> None:
        self.wait(self.client.send({"type": "http.response.start", "status": self.status, "headers": self.headers}))
        for piece in pieces:
            self.wait(self.client.send({"type": "http.response.body", "body": piece, "more_body": True}))
        self.wait(self.client.send({"type": "http.response.body", "body": b""}))

    def wait(self, step: Any) -> Any:
        """Wait for the client, and let another request compute meanwhile."""
        self.bridge.pages.release()
        try:
            return asyncio.run_coroutine_threadsafe(step, self.loop).result()
        finally:
            self.bridge.pages.acquire()


class ArrivingBody(io.RawIOBase):
    """A large body, read while it arrives. Reading raises Gone if it stops arriving."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left:
            try:
                self.left = self.exchange.wait(self.exchange.client.receive())
            except TimeoutError as error:
                raise Gone("The body has stopped arriving.") from error
        size = min(len(buffer), len(self.left))
        buffer[:size], self.left = self.left[:size], self.left[size:]
        return size


def take(pieces: Iterator[bytes], size: int) -> tuple[list[bytes], bool]:
    """Take chunks from *pieces* until they exceed *size* bytes; return them and whether these were all."""
    taken, total = [], 0
    for piece in pieces:
        taken.append(piece)
        total += len(piece)
        if total > size:
            return taken, False
    return taken, True


def declared_length(scope: Scope) -> int:
    """Return the Content-Length, or zero if there is none. Raises Refused (400) if it is not a number."""
    text = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"0")
    if not text.isdigit() or len(text) > 18:
        raise Refused(400, "The Content-Length is no number.")
    return int(text)


def make_environ(scope: Scope, length: int) -> Environ:
    """Return the WSGI environment of a request whose body has *length* bytes."""
    host, port = scope.get("server") or ("localhost", 80)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        # The path as sent, percent-encoded, because clients sign this form. REQUEST_URI is its usual name in WSGI.
        "REQUEST_URI": (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **header_variables(scope["headers"]),
        "CONTENT_LENGTH": str(length),
    }


def header_variables(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers as CGI variables, ``HTTP_*``.

    A header with an underscore in its name is dropped, because it would be mistaken for one with a hyphen.
    """
    found: dict[str, str] = {}
    for raw, value in headers:
        if b"_" in raw:
            continue
        name = UNSENT.get(raw.lower()) or "HTTP_" + raw.decode("latin-1").upper().replace("-", "_")
        separator = "; " if name == "HTTP_COOKIE" else ","
        text = value.decode("latin-1")
        found[name] = f"{found[name]}{separator}{text}" if name in found else text
    return found


async def live(receive: Channel, send: Channel) -> None:
    """Acknowledge the server's startup and shutdown (ASGI lifespan)."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
