"""Passing trouble of the machine, told from errors of our own: a full disk, a database that is busy or away."""

import errno
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

RETRY_AFTER = "10"  # seconds
# What SQLite and PostgreSQL say when there is no room to write.
DISK_FULL = ("disk is full", "disk full", "no space left on device", "could not extend file")
LOCKED = "database is locked"


@dataclass(frozen=True)
class Trouble:
    """What keeps the console from working for now, and what ends that."""

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
    """The passing trouble that *error* tells of; ``None`` for an error of the console's own."""
    text = str(error).lower()
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return FULL
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if any(words in text for words in DISK_FULL):
        return FULL
    return BUSY if LOCKED in text else AWAY
