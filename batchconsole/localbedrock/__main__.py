"""``python -m batchconsole.localbedrock``: serve until SIGINT or SIGTERM."""

import asyncio
import fcntl
import logging
import os
import socket
import sqlite3
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
from batchconsole.localguard import Guard, Rules, keep_token

CLOSE_SECONDS = 3
KEEP_ALIVE_SECONDS = 75


class CannotStart(Exception):
    """The service cannot start; the message says why in one line."""


def main() -> int:
    """Serve until a signal arrives. The exit code is 1 if the data folder or the port cannot be used."""
    settings = parse()
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if not settings.aws_endpoint_url:
        settings = msgspec.structs.replace(settings, aws_endpoint_url=os.environ.get("AWS_ENDPOINT_URL", ""))
    try:
        lock = _lock(Path(settings.data_dir))
        listener = _listen(settings)
        service = _open(settings)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Local Bedrock is ready at http://{settings.host}:{listener.getsockname()[1]}/", flush=True)
    serve(service, listener, guard_rules(settings))
    lock.close()
    return 0


def guard_rules(settings: Settings) -> Rules:
    """Return the rules for incoming requests. The token for the control paths is kept in the data folder."""
    return Rules(
        hosts=frozenset({*filter(None, settings.allowed_hosts.split(",")), settings.host}),
        origins=frozenset(filter(None, settings.allowed_origins.split(","))),
        open_paths=frozenset(),
        token=keep_token(Path(settings.data_dir)),
        takes_json_only=True,
    )


def serve(service: Service, listener: socket.socket, rules: Rules) -> None:
    """Serve on *listener* until a signal arrives, then bring the jobs to a point from which they can resume.

    The server is Hypercorn because the AWS SDK for JavaScript calls the runtime API over HTTP/2, even without TLS.
    """
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.keep_alive_max_requests = sys.maxsize
    config.graceful_timeout = CLOSE_SECONDS
    service.start()
    # Hypercorn cancels itself if requests are still in progress when the graceful timeout ends.
    with suppress(asyncio.CancelledError):
        asyncio.run(hypercorn.asyncio.serve(Guard(make_app(service), rules), config))  # type: ignore[arg-type]  # Starlette's Scope
    service.close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        # A negative errno comes from the host name lookup, not from the operating system.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotStart(f"Cannot listen on {settings.host}:{settings.port}: {reason}.") from error


def _open(settings: Settings) -> Service:
    try:
        return Service(settings)
    except sqlite3.DatabaseError as error:
        raise CannotStart(f"The jobs in {settings.data_dir} cannot be read: {error}.") from error


def _lock(folder: Path) -> TextIO:
    """Lock the data folder; the lock is held while the returned file is open. Raises CannotStart."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStart(f"Another local Bedrock is using {folder}.") from error
    except OSError as error:
        raise CannotStart(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    return file


if __name__ == "__main__":
    sys.exit(main())
