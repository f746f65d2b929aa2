"""``python -m batchconsole.localbedrock``: serve until SIGINT or SIGTERM."""

import fcntl
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

import msgspec
import uvicorn

from batchconsole.localbedrock.app import make_app
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import Settings, parse

CLOSE_SECONDS = 3


def main() -> int:
    """Serve; the exit code is 1 when the data folder is in use."""
    settings = parse()
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if not settings.aws_endpoint_url:
        settings = msgspec.structs.replace(settings, aws_endpoint_url=os.environ.get("AWS_ENDPOINT_URL", ""))
    lock = _lock(Path(settings.data_dir))
    if lock is None:
        print(f"Another local Bedrock is using {settings.data_dir}.", file=sys.stderr)
        return 1
    serve(settings)
    return 0


def serve(settings: Settings) -> None:
    uvicorn.run(
        make_app(Service(settings)),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )


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
