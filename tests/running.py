"""A real `manage.py up` for tests, on free ports and in a data folder of its own, used as a person would use it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from batchconsole.setup.paths import ROOT
from batchconsole.up.run import MARK
from tests.conftest import aws_client, free_port

Result = TypeVar("Result")
READY = re.compile(r"Batch Console is ready at (http://127\.0\.0\.1:\d+/)")
LINK = re.compile(r"(http://\S+\?sesame=\S+)")


class Up:
    """One `up` process and its output so far."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.port, self.aws_port, self.bedrock_port = free_port(), free_port(), free_port()
        ports = ["--port", self.port, "--aws-port", self.aws_port, "--bedrock-port", self.bedrock_port]
        command = [sys.executable, "manage.py", "up", "--data-dir", folder, *ports, *options]
        self.process = subprocess.Popen(
            [*map(str, command)], cwd=ROOT, env=clean_environment() | environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self.is_over = threading.Event()  # set when it is ready or has ended
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                if LINK.search(line):
                    self.is_over.set()
        self.is_over.set()

    def wait_until_ready(self) -> "Up":
        assert self.is_over.wait(300), self.said
        assert READY.search(self.said), self.said
        return self

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def link(self) -> str:
        """The last sign-in link that it printed."""
        return str(LINK.findall(self.said)[-1])

    def use_link(self, session: requests.Session) -> requests.Response:
        """Open the sign-in link in *session*, submit its form, and return the next page."""
        form = {"sesame": self.link.partition("sesame=")[2]}
        session.get(self.link, timeout=60)
        form["csrfmiddlewaretoken"] = str(session.cookies.get(f"csrftoken_{self.port}"))
        return session.post(f"{self.url}login/", form, timeout=60)

    @property
    def keys(self) -> dict[str, str]:
        """The variables in ``aws.env`` that hold the AWS keys."""
        kept = dict(line.removeprefix("export ").split("=", 1) for line in self.aws_env.read_text().splitlines())
        return {name: kept[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

    def client(self, service: str) -> Any:
        """Return a boto3 client for its local stack, with the keys from ``aws.env``."""
        keys = {"access_key": self.keys["AWS_ACCESS_KEY_ID"], "secret_key": self.keys["AWS_SECRET_ACCESS_KEY"]}
        port = self.bedrock_port if service.startswith("bedrock") else self.aws_port
        return aws_client(service, f"http://127.0.0.1:{port}", **keys)

    @property
    def aws_env(self) -> Path:
        return self.folder / "aws.env"

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait until the process ends, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.listener.join(30)
        return code

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to a run in this folder, except `up` itself."""
        return [process for process in psutil.process_iter() if belongs(process, self.folder)]


def belongs(process: psutil.Process, folder: Path) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:
        return False
    return MARK in environment and environment.get("BATCHCONSOLE_DATA_DIR") == str(folder)


def run_coroutine(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of *coroutine*, run in a new thread because Playwright's loop runs in the tests' thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@contextmanager
def up(folder: Path, *options: str, **environment: str) -> Iterator[Up]:
    """Run `up`, enter the block when it is ready, and end it after the block."""
    started = Up(folder, *options, **environment)
    try:
        yield started.wait_until_ready()
    finally:
        if started.process.poll() is None:
            started.end()
        started.listener.join(30)


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an `up` that is expected to end by itself."""
    command = [sys.executable, "manage.py", "up", "--data-dir", str(folder), *options]
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False, timeout=180
    )


def clean_environment() -> dict[str, str]:
    """Return the environment without our variables and Django's and pytest's, as in a person's shell."""
    ours = ("BATCHCONSOLE_", "DJANGO_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
