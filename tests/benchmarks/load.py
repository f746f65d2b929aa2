"""People and scripts at two real web servers on loopback, for a while: what `manage.py load` measures.

People read list, job and create pages, and think between them: for an exponentially distributed time, as visitors who
act independently of each other do. Scripts list jobs and read one through the JSON API, and poll at a fixed interval,
as the waiters of the SDKs do. Without thinking and polling times each caller asks again at once; such a closed loop of
250 callers measures how the console bears more than it can answer, not how 200 people find it. Then a 503 that tells to
come again is what they should get, so it is counted apart from errors, and the caller comes again as told.

The database has a thousand jobs; AWS is away, as it is for pages that do not ask it. The callers share the processors
with the web servers, so each is a thread that sleeps, with a plain connection that decodes nothing.
"""

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil
import urllib3

from batchconsole.setup.paths import ROOT
from tests.benchmarks.load_rows import Prepared
from tests.conftest import free_port

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
    """How much load, and for how many seconds; ``think`` and ``poll`` are seconds between two requests of a caller."""

    people: int
    scripts: int
    webs: int
    seconds: float
    think: float  # the mean
    poll: float

    @property
    def mix(self) -> str:
        """What the callers do, in words."""
        people = f"a page after {self.think:g} s of reading (mean)" if self.think else "page after page"
        scripts = f"a call each {self.poll:g} s" if self.poll else "call after call"
        return f"mix        {self.people} people, {people}; {self.scripts} scripts, {scripts}; {self.webs} webs"


@dataclass
class Answers:
    """Path and seconds of each answer of status 200; how often a caller was told to come again; all else."""

    seconds: list[tuple[str, float]] = field(default_factory=list)
    busy: int = 0
    errors: list[str] = field(default_factory=list)

    def line(self, what: str, *, lasted: float) -> str:
        """Return the figures of all answers: those of :func:`figures`, errors, and how often a caller came too soon."""
        told = figures(what, [seconds for _, seconds in self.seconds], lasted=lasted)
        return f"{told}   {len(self.errors)} errors   {self.busy} times busy"

    def lines_of_paths(self, *, lasted: float) -> Iterator[str]:
        for path in dict.fromkeys(path for path, _ in self.seconds):
            yield figures("", [seconds for of, seconds in self.seconds if of == path], lasted=lasted) + f"   {path}"


def figures(what: str, seconds: list[float], *, lasted: float) -> str:
    """Return requests a second, and the median and the 99th percentile in milliseconds."""
    places = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
    rate, p50, p99 = len(seconds) / lasted, 1000 * places[49], 1000 * places[98]
    return f"{what:10} {rate:8.1f}/s   p50 {p50:7.0f} ms   p99 {p99:7.0f} ms"


@dataclass(kw_only=True)
class Caller:
    """A person or a script at one web server: asks for one path after the other until *ends_at*."""

    server: urllib3.HTTPConnectionPool
    paths: list[str]
    headers: dict[str, str]
    pauses: Iterator[float]  # seconds
    ends_at: float
    is_patient: bool  # comes again when told to, which is no error where more is asked than can be answered
    answers: Answers = field(default_factory=Answers)

    def run(self) -> None:
        for path in cycle(self.paths):
            time.sleep(max(0, min(next(self.pauses), self.ends_at - time.monotonic())))
            if time.monotonic() >= self.ends_at:
                return
            self.ask(path)

    def ask(self, path: str) -> None:
        started = time.monotonic()
        try:
            answer = self.get(path)
        except urllib3.exceptions.HTTPError as error:
            self.answers.errors.append(f"{path}: {type(error).__name__}")
            return
        if answer.status == 200:
            self.answers.seconds.append((path, time.monotonic() - started))
        elif self.is_patient and "Retry-After" in answer.headers:
            self.answers.busy += 1
            time.sleep(float(answer.headers["Retry-After"]))
        else:
            self.answers.errors.append(f"{path}: {answer.status}")

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """Return the answer; as browsers do, ask again if the server has just closed a connection that was idle."""
        try:
            return self.send(path)
        except urllib3.exceptions.ProtocolError:
            return self.send(path)

    def send(self, path: str) -> urllib3.BaseHTTPResponse:
        return self.server.request(
            "GET", path, headers=self.headers, timeout=TIMEOUT, redirect=False, retries=False, decode_content=False
        )


def thinking(mean: float, *, seed: int) -> Iterator[float]:
    """Yield exponentially distributed seconds, the same for each *seed*."""
    chance = random.Random(seed)
    while True:
        yield chance.expovariate(1 / mean) if mean else 0.0


def polling(interval: float, *, seed: int) -> Iterator[float]:
    """Yield the *interval* in seconds for ever, after a first part of it, so that not all poll at once."""
    yield interval * random.Random(seed).random()
    yield from repeat(interval)


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
    people, scripts = callers_of(load, prepared, [url for url, _ in webs], ends_at=started + load.seconds)
    threads = [threading.Thread(target=caller.run, daemon=True) for caller in (*people, *scripts)]
    for thread in threads:
        thread.start()
    time.sleep(load.seconds / 4)  # modules, templates and caches are loaded by then
    before = [memory_of(process) for _, process in webs]
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - started
    yield load.mix
    for what, callers in (("people", people), ("scripts", scripts)):
        yield total(callers).line(what, lasted=lasted)
        yield from total(callers).lines_of_paths(lasted=lasted)
    for (url, process), bytes_before in zip(webs, before, strict=True):
        grown, worked = memory_of(process) - bytes_before, seconds_of(process)
        yield (
            f"memory     {url}: {bytes_before / MIB:.0f} MiB after a quarter, {grown / MIB:+.1f} MiB at the end; "
            f"{worked:.0f} s of processor time since it was started"
        )
    yield from total([*people, *scripts]).errors[:10]


def callers_of(load: Load, prepared: Prepared, urls: list[str], *, ends_at: float) -> tuple[list[Caller], list[Caller]]:
    """Return the people and the scripts, in turn at each of the web servers, and each at another path first."""

    def caller(number: int, paths: list[str], headers: dict[str, str], pauses: Iterator[float]) -> Caller:
        first = number // len(urls) % len(paths)
        return Caller(
            server=urllib3.connection_from_url(urls[number % len(urls)]),
            paths=[*paths[first:], *paths[:first]],
            headers={**headers, "Accept-Encoding": "gzip"},
            pauses=pauses,
            ends_at=ends_at,
            is_patient=not load.think,
        )

    people = [
        caller(number, prepared.pages, {"Cookie": f"sessionid={session}"}, thinking(load.think, seed=number))
        for number, session in enumerate(prepared.sessions)
    ]
    scripts = [
        caller(number, prepared.calls, {"Authorization": f"Bearer {key}"}, polling(load.poll, seed=number))
        for number, key in enumerate(prepared.keys)
    ]
    return people, scripts


def total(callers: list[Caller]) -> Answers:
    """Return the answers of all *callers* together."""
    return Answers(
        [answer for each in callers for answer in each.answers.seconds],
        sum(each.answers.busy for each in callers),
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
            urllib3.request("GET", f"{url}/healthz", timeout=1, retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} has not answered for a minute.")


def memory_of(process: psutil.Process) -> int:
    """Return the resident bytes of *process* and its children."""
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))


def seconds_of(process: psutil.Process) -> float:
    """Return the processor time of *process* and its children."""
    return float(sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True))))
