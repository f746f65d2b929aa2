"""Who uses the console while it is restarted: people that ask for pages all the time, and one slow request each."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

PAUSE = 0.05
TRIES = 200  # with PAUSE between them: as long as the proxy of deploy/Caddyfile tries to find a server, 10 s


@dataclass(eq=False)
class Visitors(threading.Thread):
    """Ask for one page after the other, at the next host if one refuses the connection, as a proxy does."""

    hosts: Sequence[str]
    pages: Sequence[str]
    headers: dict[str, str]
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        turns = itertools.cycle(itertools.product(self.pages, self.hosts))
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(pool_maxsize=1))
            while not self.is_over.wait(PAUSE):
                page, first = next(turns)
                self.ask(session, page, [first, *(host for host in self.hosts if host != first)])

    def ask(self, session: requests.Session, page: str, hosts: Sequence[str]) -> None:
        """Ask each of *hosts* in turn until one takes the connection; what happens after that is not tried again."""
        for host in itertools.islice(itertools.cycle(hosts), TRIES):
            if not accepts(host):
                time.sleep(PAUSE)
                continue
            try:
                # A connection of its own: whether a kept one is still good, the proxy has to know.
                answer = session.get(f"{host}{page}", headers=self.headers | {"Connection": "close"}, timeout=60)
            except requests.RequestException as error:
                if "refused" not in str(error):
                    self.lost.append(f"{host}{page}: {error}")
                    return
            else:
                self.answered += 1
                if answer.status_code != 200:
                    self.lost.append(f"{host}{page}: {answer.status_code}")
                return
        self.lost.append(f"{page}: no host has taken the connection")

    def stop(self) -> None:
        self.is_over.set()
        self.join(60)


def accepts(host: str) -> bool:
    """Whether something listens at *host*, a URL."""
    parts = urlsplit(host)
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname or "", parts.port or 80), 5):
        return True
    return False


@contextlib.contextmanager
def half_a_request(host: str) -> Iterator[socket.socket]:
    """Send half of a sign-in to *host* for the block; send the rest with :func:`finish`."""
    parts = urlsplit(host)
    with socket.create_connection((parts.hostname or "", parts.port or 80), 30) as connection:
        head = f"POST /login/ HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 20\r\n"
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=a".encode())
        yield connection


def finish(connection: socket.socket) -> str:
    """Send the rest of the request and return the status line of its answer, or why there is none."""
    try:
        connection.sendall(b"&password=")
        return connection.recv(1 << 16).partition(b"\r\n")[0].decode() or "The connection was closed."
    except OSError as error:
        return str(error)
