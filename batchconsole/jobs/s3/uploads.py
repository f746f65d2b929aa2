"""Uploaded files to make input from, kept in the data folder until they are used or a day old, within a quota.

If several hosts serve pages or run workers, they must share the folders ``uploads`` and ``arriving`` in the data
folder. The name of a kept file ends in the id of its owner. A request that brings a file has a *reservation* in
``arriving``: a locked file that holds its size. The lock ends with the request, also when its process is killed, so
that a reservation that nobody locks counts no more.
"""

import fcntl
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from batchconsole.jobs.errors import UserError

KEEP_SECONDS = 24 * 60 * 60
TOKEN = re.compile(r"[0-9a-f]{32}")


def folder() -> Path:
    """Return the folder of kept files, creating it if necessary."""
    return _made(Path(settings.DATA_DIR) / "uploads")


def keep(path: Path, owner: int) -> str:
    """Move the file at *path*, which must be on the same file system, into the folder and return its token.

    Raises :class:`UserError` if the kept files of the user *owner* would have more bytes than one person may have.
    """
    forget_old()
    token = secrets.token_hex(16)
    with _locked():
        _require_room(kept_bytes(owner), path.stat().st_size)
        path.rename(folder() / f"{token}.{owner}")
    return token


def path_of(token: str) -> Path:
    """Return the path of the file of *token*. Raises :class:`UserError` if the file no longer exists."""
    path = _find(token)
    if path is None:
        raise UserError("The uploaded file is no longer there.", "file", hint="Choose it again.")
    return path


def forget(token: str) -> None:
    """Delete the file of *token*, if it exists."""
    path = _find(token)
    if path is not None:
        path.unlink(missing_ok=True)


def _find(token: str) -> Path | None:
    return next(folder().glob(f"{token}*"), None) if TOKEN.fullmatch(token) else None


def forget_old() -> None:
    """Delete files that are a day old, from complete and interrupted uploads alike."""
    before = time.time() - KEEP_SECONDS
    for path in folder().iterdir():
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


@contextmanager
def reserved(owner: int, size: int) -> Iterator[None]:
    """Count *size* bytes as on their way from the user *owner* until the block ends.

    Raises :class:`UserError` if that is more than one person may have, kept files and other requests included.
    """
    forget_old()
    with _locked():
        _require_room(kept_bytes(owner) + arriving_bytes(owner), size)
        path = _arriving() / f"{secrets.token_hex(16)}.{owner}"
        file = path.open("x+")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(str(size))
        file.flush()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def kept_bytes(owner: int) -> int:
    """Return the size of all kept files of the user *owner*."""
    return sum(path.stat().st_size for path in folder().glob(f"*.{owner}"))


def arriving_bytes(owner: int) -> int:
    """Return the size of all requests on their way from the user *owner*; those of processes that died are deleted."""
    return sum(_live_size(path) for path in _arriving().glob(f"*.{owner}"))


def _live_size(path: Path) -> int:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)  # nobody locks it: its process has died
    except BlockingIOError:  # its request goes on
        return _size_in(path)
    except FileNotFoundError:  # it has just ended
        pass
    return 0


def _size_in(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except FileNotFoundError:
        return 0


@contextmanager
def _locked() -> Iterator[None]:
    """Let one request of all processes at a time count and reserve."""
    with (_arriving() / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _require_room(used: int, size: int) -> None:
    most = settings.UPLOAD_QUOTA_BYTES
    if not most or used + size <= most:
        return
    raise UserError(
        f"Your uploaded files may have {filesizeformat(most)} together. They have {filesizeformat(used)}, and this one "
        f"has {filesizeformat(size)}. Nothing of it was kept.",
        "file",
        hint="Wait until uploads under way are done, and make or remove the files in your other forms; "
        "a file that is not used is deleted after a day.",
    )


def _arriving() -> Path:
    return _made(Path(settings.DATA_DIR) / "arriving")


def _made(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
