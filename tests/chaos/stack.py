"""`manage.py up` of a run: started, its processes killed by name, started again, and ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import requests

from batchconsole.setup.paths import ROOT
from batchconsole.up.run import end_processes_of, mark_of
from tests.conftest import free_port
from tests.running import belongs

UP = "up"
# What the command line of each process contains, and of no other.
MARKS = {
    "web": "granian",
    "control": "control@%h",
    "scan": "scan@%h",
    "beat": "batchconsole.beat",
    "redis": "valkey-server",
    "aws": "batchconsole.localaws",
    "bedrock": "batchconsole.localbedrock",
}
READY_SECONDS = 180
POLL_SECONDS = 0.2


class StackFailed(Exception):
    """`up` does not start."""


class Stack:
    """One `up` on ports that stay the same over all its lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.parent / "up.log"
        self.port = int(os.environ["BATCHCONSOLE_PORT"])
        self.aws_port, self.bedrock_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.bedrock_url = f"http://127.0.0.1:{self.bedrock_port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start `up` unless it runs."""
        with self._lock:
            if self.is_running:
                return
            ports = ["--port", self.port, "--aws-port", self.aws_port, "--bedrock-port", self.bedrock_port]
            options = ["--data-dir", self.folder, *ports, "--model", "echo", "--no-sample"]
            command = [sys.executable, "manage.py", "up", *map(str, options)]
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the console answers; start `up` again if it ends. Raises StackFailed."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise StackFailed(f"The console has not answered for {READY_SECONDS} s: {self.log.read_text()[-2000:]}")
            self.start()
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self, name: str, *, child: bool = False) -> bool:
        """Send SIGKILL to the process *name*, or to one of its children; return False if there is none."""
        found = self.find(name)
        if found is None:
            return False
        with contextlib.suppress(psutil.Error):
            children = found.children() if child else []
            (children[0] if children else found).kill()
            return True
        return False

    def find(self, name: str) -> psutil.Process | None:
        """Return the running process *name* of this stack."""
        if self._process is None or not self.is_running:
            return None
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(self._process.pid)
            return own if name == UP else next((each for each in own.children() if is_named(each, name)), None)
        return None

    def kill_all(self) -> None:
        """Kill `up` and everything that it has started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for process in self._left():
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(self._left(), timeout=10)

    def _left(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if belongs(process, self.folder)]

    def end(self) -> int | None:
        """End `up` as Ctrl-C does; return its exit code, ``None`` if it had to be killed."""
        code = None
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(30)
        for run in {mark_of(process) for process in self._left()}:
            end_processes_of(run)
        self.kill_all()
        return code


def is_named(process: psutil.Process, name: str) -> bool:
    """Whether *process* is the one called *name*."""
    with contextlib.suppress(psutil.Error):
        return any(MARKS[name] in part for part in process.cmdline())
    return False
