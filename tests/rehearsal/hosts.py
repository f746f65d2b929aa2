"""A host of the rehearsal: the console's four processes, as the systemd units start them, in a network namespace."""

import configparser
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

PROCESSES = ("web", "control", "scan", "beat")
PORT = 8000
BINARIES = "/opt/batchconsole/.venv/bin/"
PATIENCE_SECONDS = 300  # until a process has started, and until it has ended by itself


@dataclass
class Host:
    """A host with the command that enters its namespace, the code that it runs, and its processes."""

    name: str
    address: str
    enter: list[str]
    tree: Path
    environment: Mapping[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{PORT}"

    def start(self, process: str) -> None:
        """Start one process of this host's code."""
        with (self.logs / f"{self.name}-{process}.log").open("ab") as log:
            self.processes[process] = subprocess.Popen(
                [*self.enter, *command_of(self.tree, process, self.address)],
                cwd=self.tree,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self) -> None:
        """Wait until the web server answers. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise TimeoutError(f"The web server of {self.name} has not answered; see {self.logs}.")

    def end(self, process: str) -> tuple[int, float]:
        """Ask a process to end (SIGTERM); return its exit code and the seconds it took. Raises TimeoutExpired."""
        started = time.monotonic()
        running = self.processes.pop(process)
        running.terminate()
        return running.wait(PATIENCE_SECONDS), time.monotonic() - started

    def stop(self) -> None:
        """End all processes at once."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def command_of(tree: Path, process: str, address: str) -> list[str]:
    """Return the command line of the unit in *tree*, for this machine's Python and a host with *address*."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read(tree / "deploy" / "systemd" / f"batchconsole-{process}.service")
    program, *arguments = unit["Service"]["execstart"].removeprefix(BINARIES).split()
    return [sys.executable, "-m", program, *(address if word == "127.0.0.1" else word for word in arguments)]


def manage(tree: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command of *tree*'s manage.py to its end and return what it printed. Raises CalledProcessError."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def without_settings() -> dict[str, str]:
    """Return this process's environment without what would lead the console or an AWS client elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("BATCHCONSOLE_", "AWS_"))}
