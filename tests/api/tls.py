"""A proxy that speaks TLS to clients and HTTP to the console, as the one before a console does."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Proxy:
    """``url`` ends with a slash; ``certificate`` is the file that clients have to trust."""

    url: str
    certificate: Path


@contextlib.contextmanager
def tls_proxy(folder: Path, port: int) -> Iterator[Proxy]:
    """Accept TLS on a free port and pass on what comes to *port*, until the block ends."""
    certificate = _certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_accept, args=(server, context, port), daemon=True).start()
        yield Proxy(f"https://{LOOPBACK}:{server.getsockname()[1]}/", certificate)


def _certificate(folder: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


def _accept(server: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:  # closed at the end of the block
            return
        threading.Thread(target=_serve, args=(client, context, port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        contextlib.suppress(OSError),
        socket.create_connection((LOOPBACK, port)) as console,
        context.wrap_socket(client, server_side=True) as shown,
    ):
        threading.Thread(target=_copy, args=(console, shown), daemon=True).start()
        _copy(shown, console)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
