"""People and scripts at two real web servers on loopback, for a while: what `manage.py load` measures.

People read list, job and create pages and pause between them; scripts list jobs and read one through the JSON API. The
database has a thousand jobs; AWS is away, as it is for pages that do not ask it.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil
import requests

from batchconsole.setup.paths import ROOT
from tests.benchmarks.load_rows import Prepared
from tests.conftest import free_port

PERSON_PAUSE, SCRIPT_PAUSE = 1.0, 0.5  # seconds between two requests of one person, and of one script
TIMEOUT = 30  # seconds for one answer
MIB = 1 << 20
KEY = "a-secret-key-of-the-load-that-is-long-enough-for-every-check"
WEB = [
    "-m",
    "granian",
    "batchconsole.asgi:application",
    "--interface",
    "asgi",
    "--workers",
    "1",
    "--http",
    "1",
    "--no-ws",
]
PREPARE = "from tests.benchmarks import load_rows; load_rows.prepare({people}, {scripts})"


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much load, and for how many seconds."""

    people: int
    scripts: int
    webs: int
    seconds: float


@dataclass
class Answers:
    """The seconds of each answer, and what was no answer of status 200."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def line(self, what: str, *, lasted: float) -> str:
        """Return the figures: requests a second, the median and the 99th percentile in milliseconds, and errors."""
        places = statistics.quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        rate, p50, p99 = len(self.seconds) / lasted, 1000 * places[49], 1000 * places[98]
        return f"{what:10} {rate:8.1f}/s   p50 {p50:7.0f} ms   p99 {p99:7.0f} ms   {len(self.errors)} errors"


class Caller(threading.Thread):
    """A person or a script: asks for one address after the other until *ends_at*."""

    def __init__(self, urls: list[str], *, headers: dict[str, str], pause: float, ends_at: float, start: int) -> None:
        super().__init__(daemon=True)
        self.urls, self.headers, self.pause, self.ends_at = urls, headers, pause, ends_at
        self.answers, self.place = Answers(), start

    def run(self) -> None:
        time.sleep(self.pause * (self.place % 10) / 10)  # not all at once
        with requests.Session() as session:
            for url in cycle(self.urls[self.place % len(self.urls) :] + self.urls[: self.place % len(self.urls)]):
                if time.monotonic() >= self.ends_at:
                    return
                self.ask(session, url)
                time.sleep(self.pause)

    def ask(self, session: requests.Session, url: str) -> None:
        started = time.monotonic()
        try:
            answer = session.get(url, headers=self.headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            self.answers.errors.append(f"{url}: {type(error).__name__}")
            return
        self.answers.seconds.append(time.monotonic() - started)
        if answer.status_code != 200:
            self.answers.errors.append(f"{url}: {answer.status_code}")


def run(load: Load) -> Iterator[str]:
    """Yield a line for each figure: people, scripts, the memory of each web process, and the first errors."""
    with TemporaryDirectory() as folder, ExitStack() as running:
        environment = prepare_folder(Path(folder))
        code = PREPARE.format(people=load.people, scripts=load.scripts)
        told = manage(environment, "shell", "-c", code)
        prepared = msgspec.json.decode(told.splitlines()[-1], type=Prepared)
        webs = [running.enter_context(serving(environment)) for _ in range(load.webs)]
        yield from drive(load, prepared, webs)


def drive(load: Load, prepared: Prepared, webs: list[tuple[str, psutil.Process]]) -> Iterator[str]:
    started = time.monotonic()
    ends_at = started + load.seconds
    people = [
        Caller(
            [f"{webs[n % len(webs)][0]}{path}" for path in prepared.pages],
            headers={"Cookie": f"sessionid={session}"}, pause=PERSON_PAUSE, ends_at=ends_at, start=n,
        )
        for n, session in enumerate(prepared.sessions)
    ]  # fmt: skip
    scripts = [
        Caller(
            [f"{webs[n % len(webs)][0]}{path}" for path in prepared.calls],
            headers={"Authorization": f"Bearer {key}"}, pause=SCRIPT_PAUSE, ends_at=ends_at, start=n,
        )
        for n, key in enumerate(prepared.keys)
    ]  # fmt: skip
    for caller in (*people, *scripts):
        caller.start()
    time.sleep(load.seconds / 4)  # modules, templates and caches are loaded by then
    before = [memory_of(process) for _, process in webs]
    for caller in (*people, *scripts):
        caller.join()
    lasted = time.monotonic() - started
    yield total(people).line("people", lasted=lasted)
    yield total(scripts).line("scripts", lasted=lasted)
    for (url, process), bytes_before in zip(webs, before, strict=True):
        grown = memory_of(process) - bytes_before
        yield f"memory     {url}: {bytes_before / MIB:.0f} MiB after a quarter, {grown / MIB:+.1f} MiB at the end"
    yield from total([*people, *scripts]).errors[:10]


def total(callers: list[Caller]) -> Answers:
    """Return the answers of all *callers* together."""
    return Answers(
        [seconds for each in callers for seconds in each.answers.seconds],
        [error for each in callers for error in each.answers.errors],
    )


def prepare_folder(folder: Path) -> dict[str, str]:
    """Make a database and static files in *folder*; return the environment of the processes that use them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BATCHCONSOLE_")}
    environment |= {"BATCHCONSOLE_DATA_DIR": str(folder), "BATCHCONSOLE_SECRET_KEY": KEY}
    environment |= {"DJANGO_SETTINGS_MODULE": "batchconsole.settings", "BATCHCONSOLE_LOG_LEVEL": "ERROR"}
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
    return environment


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a command of manage.py to its end and return what it printed."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the console on a free port; yield its address and process."""
    port = free_port()
    command = [sys.executable, *WEB, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


def wait_until_healthy(url: str) -> None:
    for _ in range(600):
        try:
            requests.get(f"{url}/healthz", timeout=1)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} has not answered for a minute.")


def memory_of(process: psutil.Process) -> int:
    """Return the resident bytes of *process* and its children."""
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
