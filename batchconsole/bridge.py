"""Between an asynchronous web server and the console's WSGI application: slow clients wait here and hold up nobody.

A WSGI server gives each request a thread for as long as its client takes. Sixty clients that send half a request, or
read half an answer, then have all threads, and nobody else is answered. Here a thread is taken only to compute:

- a body up to ``buffered_bytes`` is received before, and an answer of that size sent after, by the event loop;
- a larger body or answer passes through its thread, which gives its turn to compute away whenever it waits for its
  client; there are ``streams`` of these at most, and the next is refused with 503;
- a larger body is received only where ``limit_of`` its path says so, and never beyond that limit;
- a client has to move ``bytes_per_second`` on average and may not pause for longer than ``idle_seconds``.

The server itself bounds the time and size of a request's head. Knows no Django, only WSGI (PEP 3333) and ASGI 3.
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
UNSENT = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


@dataclass(frozen=True, kw_only=True)
class BridgeLimits:
    """How much of everything, in each process."""

    pages: int = 8  # requests that compute at once
    streams: int = 24  # large bodies and answers on their way at once
    buffered_bytes: int = 2_621_440  # Django's own bound of a form, DATA_UPLOAD_MAX_MEMORY_SIZE
    held_bytes: int = 128 * MIB  # all bodies that are being received
    idle_seconds: float = 30
    grace_seconds: float = 30  # before the average speed counts
    bytes_per_second: int = 16 * 1024


class Refused(Exception):
    """The request is answered with a status and a sentence, and its connection closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Gone(OSError):
    """The client has gone away; an OSError is what WSGI applications expect of a body that breaks off."""


@dataclass
class Client:
    """Who sent a request: receives from and sends to it in the time it may take."""

    receive_message: Channel
    send_message: Channel
    limits: BridgeLimits
    waited_seconds: float = 0
    moved_bytes: int = 0
    is_at_end: bool = False
    is_gone: bool = False

    async def receive(self) -> bytes:
        """The next piece of the body, empty at its end; raises Gone, TimeoutError."""
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
        """Send a part of the answer; raises Gone, and TimeoutError when the client does not take it."""
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
        """Send a whole answer."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def notice_going(self) -> None:
        """Let nothing more be sent once the client has closed the connection, which sending does not tell."""
        while (await self.receive_message())["type"] != "http.disconnect":
            continue
        self.is_gone = True

    async def refuse(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer, after which the connection is closed."""
        told = {**headers, "content-length": str(len(body)), "connection": "close"}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
        await self.answer(status, encoded, body)


class Answer(Protocol):
    """What a refused request is answered with."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Bridge:
    """The ASGI application that serves *app*; ``limit_of`` gives a path's bound of a larger body, in bytes.

    ``refuse`` words a refusal for whoever calls a path, from the path, the status and a sentence.
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
        with contextlib.suppress(TimeoutError, Gone):  # too slow even for a refusal, or no longer there
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
        """Compute in a thread; what it has not sent by itself is sent from here."""
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
        """A body in memory, which counts among all of them until it is dropped."""
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
    """One call of the application, in a thread."""

    bridge: Bridge
    client: Client
    environ: Environ
    body: io.BytesIO | None = None
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)

    def run(self) -> list[bytes] | None:
        """Compute the answer: its pieces when they are few and known, else ``None``, for it was sent from here."""
        with contextlib.ExitStack() as stack:
            if self.body is None:
                stack.enter_context(self._stream("uploads"))
            self.environ["wsgi.input"] = self.body or io.BufferedReader(ArrivingBody(self))
            stack.enter_context(self.bridge.pages)
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
    def _stream(self, what: str) -> Iterator[None]:
        """Be one of the streams, which are few: each has a thread of its own for as long as its client takes."""
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
    """A large body, read as it arrives; raises Gone when it stops arriving."""

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
    """The first *size* bytes of *pieces*, or some more, and whether that was all."""
    taken, total = [], 0
    for piece in pieces:
        taken.append(piece)
        total += len(piece)
        if total > size:
            return taken, False
    return taken, True


def declared_length(scope: Scope) -> int:
    """The Content-Length, zero when there is none; raises Refused for what is no number."""
    text = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"0")
    if not text.isdigit() or len(text) > 18:
        raise Refused(400, "The Content-Length is no number.")
    return int(text)


def make_environ(scope: Scope, length: int) -> Environ:
    """The request's WSGI environment, with *length* bytes of body to come."""
    host, port = scope.get("server") or ("localhost", 80)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        # As it was sent, percent-encoded: what a client has signed. Servers for WSGI give it this name.
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
    """``HTTP_*``, as CGI names headers. A name with an underscore is dropped: it would pass for one with a hyphen."""
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
    """Say yes to the server's start and end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
