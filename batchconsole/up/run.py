"""One `up` a data folder: the lock that says so, and the end of what a killed `up` has left running."""

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

MARK = "BATCHCONSOLE_RUN"  # in the environment of every process of one run, and of whatever these start
GRACE_SECONDS = 5


@contextlib.contextmanager
def sole_run(folder: DataFolder, url: str) -> Iterator[str]:
    """Hold *folder* for the `up` at *url*, and give the name of this run; raises UpError while another `up` holds it.

    The kernel drops the lock when its process dies, however it dies. What such a process has left running is found
    by the mark in its environment: a process id may by now be a stranger's, the mark cannot.
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
    except ValueError:  # empty, or cut short by a crash: then nothing had been started yet
        return {}


def write(file: IO[str], content: dict[str, Any]) -> None:
    file.seek(0)
    file.truncate()
    json.dump(content, file)
    file.flush()


def end_processes_of(run: str) -> None:
    """End every process marked with *run*, by force after a while."""
    left = [process for process in psutil.process_iter() if run and mark_of(process) == run]
    if left:
        print(f"Ending {len(left)} processes that a killed `up` has left running.", flush=True)
    for force in (False, True):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill() if force else process.terminate()
        _, left = psutil.wait_procs(left, timeout=GRACE_SECONDS)


def mark_of(process: psutil.Process) -> str:
    """The run *process* belongs to; empty for a stranger, and for one whose environment is not ours to read."""
    try:
        return str(process.environ().get(MARK, ""))
    except psutil.Error:
        return ""
