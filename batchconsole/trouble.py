"""Temporary trouble with the machine, as opposed to bugs: a full disk, or a database that is busy or unreachable."""

import errno
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

RETRY_AFTER = "10"  # seconds
# Error messages of SQLite and PostgreSQL for a full disk.
DISK_FULL = ("disk is full", "disk full", "no space left on device", "could not extend file")
LOCKED = "database is locked"


@dataclass(frozen=True)
class Trouble:
    """What keeps the console from working for now, and what to do about it."""

    title: str
    remedy: str

    @property
    def sentences(self) -> str:
        return f"{self.title}. {self.remedy}"


FULL = Trouble(
    "The disk of the console is full",
    "Ask its administrator to free some space. Everything goes on by itself afterwards.",
)
BUSY = Trouble("The database is busy", "Try again in a moment.")
AWAY = Trouble(
    "The database does not answer",
    "It may be starting up. Try again in a moment; if that does not help, tell the console's administrator.",
)


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Return the temporary trouble behind *error*, or ``None`` if it is the console's own error."""
    text = str(error).lower()
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return FULL
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if any(words in text for words in DISK_FULL):
        return FULL
    return BUSY if LOCKED in text else AWAY
