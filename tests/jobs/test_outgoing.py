"""What a message may connect to, and that no receiver holds a worker up."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import urllib3
from django.conf import LazySettings

from batchconsole.jobs.notifications.outgoing import gate, is_permitted


@pytest.mark.parametrize(
    ("host", "is_public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b:1::a00:1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
        ("ff0e::1", False),
        ("2606:4700::1111", True),
        ("2002:7f00:1::", False),
        ("/run/docker.sock", False),
        ("", False),
    ],
)
def test_only_public_addresses_are_reached(host: str, is_public: bool) -> None:
    assert is_permitted(host) == is_public


def test_an_operator_allows_networks(settings: LazySettings) -> None:
    settings.NOTIFICATION_NETWORKS = ["10.1.0.0/16", " fd00::/8"]
    assert [is_permitted(host) for host in ("10.1.2.3", "10.2.0.1", "fd00::1", "::1")] == [True, False, True, False]


def hang(connection: socket.socket) -> None:
    connection.recv(1)  # until the other side is gone


def flood(connection: socket.socket) -> None:
    connection.settimeout(1)  # once nobody reads any more, the system may take two minutes to say so
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of one connection that answers so."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1024)
            try:
                answer(connection)
            except OSError:
                return  # cut off, as it should be

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(("answer", "seconds"), [(hang, 0.2), (flood, 60)])
def test_a_receiver_that_hangs_or_floods_is_cut_off(
    settings: LazySettings, answer: Callable[[socket.socket], None], seconds: float
) -> None:
    settings.NOTIFICATION_NETWORKS = ["127.0.0.0/8"]
    with serving(answer) as url, gate(seconds=seconds) as here, urllib3.PoolManager(retries=False) as pool:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # or the answer just ends
            pool.request("GET", url)
        assert here.is_over
