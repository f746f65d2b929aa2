"""TCP ports: whether a port is free, and finding a free one."""

import errno
import socket

from batchconsole.up.errors import UpError


def require_free(host: str, port: int, option: str) -> None:
    """Raise UpError, naming the command-line *option*, if nothing can listen on *host* and *port*."""
    try:
        listen(host, port)
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise UpError(f"Port {port} on {host} {why}. Choose another with {option}.") from error


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    return listen("127.0.0.1", 0)


def listen(host: str, port: int) -> int:
    """Open a listening socket as a server does, close it, and return its port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # allow reuse of a port with closed connections
        sock.bind((host.strip("[]"), port))
        sock.listen()
        return int(sock.getsockname()[1])
