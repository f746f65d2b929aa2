"""One `up` per data folder: the lock that ensures it, and the cleanup after a killed `up`."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from typing import IO, Any

import psutil

from batchconsole.datafolder import DataFolder
from batchconsole.up.errors import UpError

MARK = "BATCHCONSOLE_RUN"  # set in the environment of every process of one run, and inherited by their children
GRACE_SECONDS = 5


@contextlib.contextmanager
def sole_run(folder: DataFolder, url: str) -> Iterator[str]:
    """Lock *folder* for the `up` at *url* and yield this run's name. Raises UpError if another `up` holds the lock.

    The kernel releases the lock when its process dies, in whatever way. Processes that it left running are found by the
    mark in their environment: a process id may have been reused by a stranger, the mark cannot.
    """
    with folder.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UpError(
                f"Another `manage.py up` (process {read(file).get('pid')}) is using the data folder {folder.path}. "
                "Stop it first, or choose another folder with --data-dir."
            ) from error
        end_processes_of(read(file).get("run", ""))
        name = secrets.token_hex(16)
        write(file, {"pid": os.getpid(), "run": name, "url": url})
        yield name
        write(file, {})


def read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.load(file))
    except ValueError:  # empty, or cut short by a crash before anything was started
        return {}


def write(file: IO[str], content: dict[str, Any]) -> None:
    file.seek(0)
    file.truncate()
    json.dump(content, file)
    file.flush()


def end_processes_of(run: str) -> None:
    """Stop every process marked with *run*, by SIGKILL after ``GRACE_SECONDS``."""
    left = [process for process in psutil.process_iter() if run and mark_of(process) == run]
    if left:
        print(f"Ending {len(left)} processes that a killed `up` has left running.", flush=True)
    for force in (False, True):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill() if force else process.terminate()
        _, left = psutil.wait_procs(left, timeout=GRACE_SECONDS)


def mark_of(process: psutil.Process) -> str:
    """Return the run that *process* belongs to; empty for other processes and unreadable environments."""
    try:
        return str(process.environ().get(MARK, ""))
    except psutil.Error:
        return ""
