"""``python -m batchconsole.localbedrock``: serve until SIGINT or SIGTERM."""

import asyncio
import fcntl
import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import hypercorn.asyncio
import msgspec
from hypercorn.config import Config

from batchconsole.localbedrock.app import make_app
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import Settings, parse

CLOSE_SECONDS = 3
KEEP_ALIVE_SECONDS = 75


def main() -> int:
    """Serve; the exit code is 1 when the data folder or the port is in use."""
    settings = parse()
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if not settings.aws_endpoint_url:
        settings = msgspec.structs.replace(settings, aws_endpoint_url=os.environ.get("AWS_ENDPOINT_URL", ""))
    lock = _lock(Path(settings.data_dir))
    if lock is None:
        return _complain(f"Another local Bedrock is using {settings.data_dir}.")
    try:
        listener = socket.create_server((settings.host, settings.port), family=_family(settings.host), backlog=2048)
    except OSError as error:
        return _complain(f"Cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}.")
    print(f"Local Bedrock is ready at http://{settings.host}:{listener.getsockname()[1]}/", flush=True)
    serve(settings, listener)
    return 0


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve on *listener* until a signal comes; jobs are brought to a point they can go on from.

    Hypercorn, because the AWS SDK for JavaScript calls the runtime API with HTTP/2, without TLS for an http:// URL.
    """
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.keep_alive_max_requests = sys.maxsize
    config.graceful_timeout = CLOSE_SECONDS
    service = Service(settings)
    service.engine.start()
    # Hypercorn cancels itself when calls are still under way at the end of the graceful time.
    with suppress(asyncio.CancelledError):
        asyncio.run(hypercorn.asyncio.serve(make_app(service), config))  # type: ignore[arg-type]  # Starlette's Scope
    service.close()


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _lock(folder: Path) -> TextIO | None:
    """The folder's lock, held as long as the file is open; ``None`` when another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


if __name__ == "__main__":
    sys.exit(main())
