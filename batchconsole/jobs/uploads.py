"""Files people uploaded to make input of, kept in the data folder until they are used or a day old.

Where several hosts serve pages or run workers, they need the folder ``uploads`` of the data folder in common.
"""

import re
import secrets
import time
from pathlib import Path

from django.conf import settings

from batchconsole.jobs.errors import UserError

KEEP_SECONDS = 24 * 60 * 60
TOKEN = re.compile(r"[0-9a-f]{32}")


def folder() -> Path:
    """The folder, made when it is not there."""
    path = Path(settings.DATA_DIR) / "uploads"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep(path: Path) -> str:
    """Take over the file at *path*, which lies in the same file system, and return the token it is found by."""
    token = secrets.token_hex(16)
    path.rename(folder() / token)
    forget_old()
    return token


def path_of(token: str) -> Path:
    """Where the file of *token* lies; raises :class:`UserError` when it is not there any more."""
    path = folder() / token
    if not TOKEN.fullmatch(token) or not path.is_file():
        raise UserError("The uploaded file is no longer there.", "file", hint="Choose it again.")
    return path


def forget(token: str) -> None:
    """Delete the file of *token*, if it is there."""
    if TOKEN.fullmatch(token):
        (folder() / token).unlink(missing_ok=True)


def forget_old() -> None:
    """Delete what is a day old, finished uploads and broken off ones alike."""
    before = time.time() - KEEP_SECONDS
    for path in folder().iterdir():
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
