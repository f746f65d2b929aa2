"""An endpoint that accepts every connection and never answers."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Hanging:
    """The endpoint: its URL, and the first line of each request received so far."""

    url: str
    asked: list[str] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)
    _held: list[socket.socket] = field(default_factory=list)

    def take(self, line: str) -> None:
        with self._arrived:
            self.asked.append(line)
            self._arrived.notify_all()

    def wait_for(self, count: int) -> bool:
        """Wait up to 10 seconds until *count* requests have arrived, and say whether they have."""
        with self._arrived:
            return self._arrived.wait_for(lambda: len(self.asked) >= count, timeout=10)

    def release(self) -> None:
        """Close the connections of all waiting clients."""
        for caller in self._held:
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
            caller.close()

    def listen(self, caller: socket.socket) -> None:
        self._held.append(caller)
        with contextlib.suppress(OSError):
            line = caller.recv(1 << 16).partition(b"\r\n")[0].decode()
            if line:
                self.take(line)


@contextlib.contextmanager
def hanging_endpoint() -> Iterator[Hanging]:
    """Run the endpoint for the block; at its end, close the connections of all waiting clients."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        endpoint = Hanging(f"http://127.0.0.1:{server.getsockname()[1]}")
        threading.Thread(target=_accept, args=(server, endpoint), daemon=True).start()
        yield endpoint
        server.shutdown(socket.SHUT_RDWR)
        endpoint.release()


def _accept(server: socket.socket, endpoint: Hanging) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = server.accept()
            threading.Thread(target=endpoint.listen, args=(caller,), daemon=True).start()
