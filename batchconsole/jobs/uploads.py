"""Uploaded files to make input from, kept in the data folder until they are used or a day old.

If several hosts serve pages or run workers, they must share the folder ``uploads`` in the data folder.
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
    """Return the folder, creating it if necessary."""
    path = Path(settings.DATA_DIR) / "uploads"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep(path: Path) -> str:
    """Move the file at *path*, which must be on the same file system, into the folder and return its token."""
    token = secrets.token_hex(16)
    path.rename(folder() / token)
    forget_old()
    return token


def path_of(token: str) -> Path:
    """Return the path of the file of *token*. Raises :class:`UserError` if the file no longer exists."""
    path = folder() / token
    if not TOKEN.fullmatch(token) or not path.is_file():
        raise UserError("The uploaded file is no longer there.", "file", hint="Choose it again.")
    return path


def forget(token: str) -> None:
    """Delete the file of *token*, if it exists."""
    if TOKEN.fullmatch(token):
        (folder() / token).unlink(missing_ok=True)


def forget_old() -> None:
    """Delete files that are a day old, from complete and interrupted uploads alike."""
    before = time.time() - KEEP_SECONDS
    for path in folder().iterdir():
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
