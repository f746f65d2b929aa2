"""Keep processes running, show their output, and stop them all in time.

Why not honcho's manager: it stops everything when one process ends, puts a second Python process that ignores SIGTERM
between itself and each child, so that a killed manager leaves twice as many behind, and stops in no particular order.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from batchconsole.setup.paths import ROOT
from batchconsole.up import launch
from batchconsole.up.output import Output, lines
from batchconsole.up.processes import Process
from batchconsole.up.space import EVERY_SECONDS, SpaceWatch

USERS_SECONDS, OUTLIVING_SECONDS = 5, 3  # time for each half to stop by itself: together under the promised 10 s
DEATHS, WITHIN_SECONDS = 5, 60
FIRST_PAUSE_SECONDS = 0.2


class Supervisor:
    """The children of one `up`, one thread each. A child that ends is restarted; one that keeps ending is fatal."""

    def __init__(self, output: Output, environment: dict[str, str], folder: Path) -> None:
        self.output = output
        self.environment = environment
        self.keepers: dict[Process, Thread] = {}
        self.children: dict[Process, subprocess.Popen[bytes]] = {}
        self.lock = Lock()  # held to start a child, and to begin the stop
        self.stopping = Event()
        self.failed = Event()
        self.failure = ""
        self.space = SpaceWatch(folder, output.say, stopping=self.stopping)

    def start(self, processes: Iterable[Process]) -> None:
        for process in processes:
            self.keepers[process] = Thread(target=self._keep, args=[process], name=process.name)
            self.keepers[process].start()

    def stop(self) -> None:
        """Stop every child: first the users, then what they use. A further signal kills all of them at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._kill(self.children))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with self.lock:
            self.stopping.set()
        self._end([process for process in self.keepers if not process.outlives], USERS_SECONDS)
        self._end([process for process in self.keepers if process.outlives], OUTLIVING_SECONDS)

    def _end(self, processes: list[Process], seconds: float) -> None:
        for process in processes:
            if process in self.children:
                self.children[process].terminate()
        deadline = time.monotonic() + seconds
        for process in processes:
            self.keepers[process].join(max(0.0, deadline - time.monotonic()))
        self._kill([process for process in processes if self.keepers[process].is_alive()])
        for process in processes:
            self.keepers[process].join()

    def _kill(self, processes: Iterable[Process]) -> None:
        for process in processes:
            if process in self.children:
                kill_group(self.children[process])

    def _keep(self, process: Process) -> None:
        """Run *process* again and again until the stop."""
        deaths: list[float] = []
        while (code := self._run(process)) is not None and not self.stopping.is_set():
            deaths = [at for at in deaths if at > time.monotonic() - WITHIN_SECONDS] + [time.monotonic()]
            if self.space.look():  # on a full disk, processes that write may end until there is space
                deaths = deaths[-1:]
                self.stopping.wait(EVERY_SECONDS)
            if len(deaths) >= DEATHS:
                return self._fail(process, code)
            self.output.line("up", f"{process.name} ended unexpectedly ({meaning(code)}); it is started again.")
            self.stopping.wait(FIRST_PAUSE_SECONDS * 2 ** len(deaths))
        return None

    def _fail(self, process: Process, code: int) -> None:
        self.failure = (
            f"{process.name} ended {DEATHS} times within {WITHIN_SECONDS} s, last with {meaning(code)}, so everything "
            f"is ended. Its last words are in {self.output.folder / process.name}.log."
        )
        self.failed.set()

    def _run(self, process: Process) -> int | None:
        """Start *process*, wait for its end, and return the exit code; None if the stop has begun."""
        with self.lock:
            if self.stopping.is_set():
                return None
            child = self.children[process] = self._spawn(process)
        listener = Thread(target=self._listen, args=[process.name, child.stdout])
        listener.start()
        code = child.wait()
        kill_group(child)  # a leftover process would keep the port and this pipe open
        listener.join()
        return code

    def _spawn(self, process: Process) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*tied_to_us(), *process.command], env=process.environment_in(self.environment), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C reaches only `up`, and the whole group can be killed
        )  # fmt: skip

    def _listen(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in lines(stream):
                self.output.line(name, line)


def tied_to_us() -> list[str]:
    """Return the start of a command line that makes the kernel stop the command with us; empty if it is not Linux."""
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid())]


def kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(child.pid, signal.SIGKILL)


def meaning(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
