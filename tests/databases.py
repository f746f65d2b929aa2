"""One migrated SQLite database for all processes of a run: the first one migrates, and the others copy its file."""

import fcntl
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path


class MigratedDatabase:
    """The database that one process of a run has migrated; *file* is the same for all of them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = ExitStack()

    def take(self, to: Path) -> bool:
        """Copy it to *to*, or return False: the caller is the first, and the others wait until it calls `leave`."""
        lock = self._lock.enter_context(self.file.with_suffix(".lock").open("wb"))
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system takes it from a process that ends
        if not self.file.exists():
            return False
        shutil.copyfile(self.file, to)
        self._lock.close()
        return True

    def leave(self, database: Path | None) -> None:
        """Leave a copy of *database* to the others, unless there is one, and let them go on."""
        if database and not self.file.exists():
            new = self.file.with_suffix(".new")
            with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(new)) as copy:
                source.backup(copy)
            new.rename(self.file)
        self._lock.close()

    def put_into(self, folder: Path) -> Path:
        """Make *folder*, with the database in it if there is one: a data folder from before."""
        folder.mkdir(mode=0o700)
        if self.file.exists():
            shutil.copyfile(self.file, folder / "console.sqlite3")
        return folder
