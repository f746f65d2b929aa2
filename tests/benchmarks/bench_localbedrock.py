"""What the local Bedrock costs: processor time a record, throughput over a model server, memory for a large input."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import urllib3

from batchconsole.setup import model
from tests.benchmarks.row import Row
from tests.conftest import free_port, local_aws, stop, wait_for
from tests.localbedrock.stack import Service, Workspace, converse_record, create, json_lines, running

ECHO_RECORDS = 20_000
LATENCY_SECONDS = 0.05
CONCURRENCY = 8
FAKE_RECORDS = 500
FAKE_PAIRS = 8
REAL_RECORDS = 32
REAL_PAIRS = 3
REAL_TOKENS = 8
LARGE_RECORDS = 50_000
LARGE_RECORD_BYTES = 21_000  # Together 1.05 GB, and within a file's limit of 1 GiB.


def main() -> Iterator[Row]:
    """The figures, each as soon as it is known; all of them take about six minutes."""
    with tempfile.TemporaryDirectory() as folder, local_aws(Path(folder)) as (aws_url, _):
        workspace = Workspace(aws_url)
        yield cpu_per_record(workspace, aws_url)
        yield throughput(workspace, aws_url)
        yield throughput_of_a_real_model(workspace, aws_url)
        yield large_input(workspace, aws_url)


def cpu_per_record(workspace: Workspace, aws_url: str) -> Row:
    """Processor time of the whole service for one ``echo`` record, reading and writing S3 included."""
    with service(aws_url) as started:
        uri = workspace.put_records(ECHO_RECORDS)
        process = psutil.Process(started.process.pid)
        before = processor_seconds(process)
        run(workspace, started, uri)
        value = (processor_seconds(process) - before) / ECHO_RECORDS * 1000
    return Row("local Bedrock, echo: processor time a record", value, "ms", at_most=1.0, note=f"{ECHO_RECORDS} records")


def throughput(workspace: Workspace, aws_url: str) -> Row:
    """The service over a model server that takes 50 ms, against a bare thread pool sending it the same requests.

    The model server counts requests and looks at its own clock, from the first to the last.
    """

    def rate(send: Callable[[], Any]) -> float:
        stats(url)
        send()
        found = stats(url)
        assert found["requests"] == FAKE_RECORDS
        return found["requests"] / found["seconds"]

    with model_server() as url, service(aws_url, "--concurrency", str(CONCURRENCY), model=url) as started:
        records = [converse_record(number) for number in range(FAKE_RECORDS)]
        uri = workspace.put(json_lines(records))
        pairs = in_turns(
            FAKE_PAIRS,
            lambda _: rate(lambda: send_all(url, records)),
            lambda _: rate(lambda: run(workspace, started, uri)),
        )
    return pairs_row("local Bedrock over a model server / a bare thread pool", pairs)


def throughput_of_a_real_model(workspace: Workspace, aws_url: str) -> Row:
    """The same over llama.cpp with the model that comes along, from the job's start to its end.

    llama.cpp keeps what it has read of a prompt. So that nobody gains by what the other sent, every prompt is a new one
    of the same length, and both begin after one run that does not count. The model wants every core there is, so the
    job is looked at seldom: asked twenty times a second, the asking itself took a fifth of the model's speed.
    """

    def timed(send: Callable[[], Any]) -> float:
        begun = time.monotonic()
        send()
        return REAL_RECORDS / (time.monotonic() - begun)

    def ours(round_number: int) -> float:
        uri = workspace.put(json_lines(real_records(2 * round_number)))
        return timed(lambda: run(workspace, started, uri))

    def bare(round_number: int) -> float:
        records = real_records(2 * round_number + 1)
        return timed(lambda: send_all(url, records))

    options = ("--concurrency", str(CONCURRENCY), "--min-records-per-job", "1")
    with real_model_server() as url, service(aws_url, *options, model=url) as started:
        pairs = in_turns(1 + REAL_PAIRS, bare, ours)[1:]
    return pairs_row("local Bedrock over llama.cpp / a bare thread pool", pairs)


def real_records(batch: int) -> list[dict[str, Any]]:
    numbers = range(10_000 + batch * REAL_RECORDS, 10_000 + (batch + 1) * REAL_RECORDS)
    records = [converse_record(number, f"{number}: say something about this number.") for number in numbers]
    for record in records:
        record["modelInput"]["inferenceConfig"] = {"maxTokens": REAL_TOKENS, "temperature": 0}
    return records


def in_turns(rounds: int, bare: Callable[[int], float], ours: Callable[[int], float]) -> list[tuple[float, float]]:
    """Both rates of every round, taken right after each other, now one first and now the other.

    What else the machine does changes from one minute to the next; two runs side by side see the same of it.
    """
    pairs = []
    for number in range(rounds):
        first, second = (bare, ours) if number % 2 else (ours, bare)
        rates = first(number), second(number)
        pairs.append(rates if number % 2 else rates[::-1])
    return pairs


def pairs_row(what: str, pairs: list[tuple[float, float]]) -> Row:
    """The median of the pairs' ratios, and how far they lie apart."""
    ratios = sorted(ours / bare for bare, ours in pairs)
    bare, ours = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    return Row(
        what,
        statistics.median(ratios),
        at_least=0.95,
        note=f"{ours:.1f} and {bare:.1f} requests/s, {CONCURRENCY} at once; {len(ratios)} pairs, "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
    )


def large_input(workspace: Workspace, aws_url: str) -> Row:
    """Peak memory of the service for one file of a gigabyte."""
    padding = "x" * (LARGE_RECORD_BYTES - 110)
    body = b"".join(json_lines([converse_record(number, f"{number} {padding}")]) for number in range(LARGE_RECORDS))
    uri, size = workspace.put(body), len(body)
    del body
    with service(aws_url) as started:
        peak = Peak(started.process.pid)
        begun = time.monotonic()
        job = run(workspace, started, uri, seconds=900)
        seconds = time.monotonic() - begun
    assert job["successRecordCount"] == LARGE_RECORDS
    return Row(
        "local Bedrock, a file of 1 GB: peak memory",
        peak.stop() / 2**20,
        "MiB",
        at_most=300,
        note=f"{size / 1e9:.2f} GB, {LARGE_RECORDS} records, {seconds:.0f} s",
    )


@contextmanager
def service(aws_url: str, *options: str, model: str = "echo") -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder, running(Service(Path(folder), aws_url, *options, model=model)) as one:
        yield one


def run(workspace: Workspace, started: Service, uri: str, *, seconds: float = 300) -> dict[str, Any]:
    bedrock = started.client()
    job = workspace.wait(bedrock, create(bedrock, workspace.request(uri)), seconds=seconds, every=0.2)
    assert job["status"] == "Completed", job
    return job


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Peak:
    """The most memory the process *pid* has in use, looked at twenty times a second."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.05) and self._process.is_running():
            try:
                self._bytes = max(self._bytes, self._process.memory_info().rss)
            except psutil.NoSuchProcess:
                return

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._bytes


@contextmanager
def model_server() -> Iterator[str]:
    """A server that only waits: what remains is what is between it and the caller."""
    with ended_after("tests.localbedrock.fake_model", port := str(free_port()), str(LATENCY_SECONDS)) as process:
        wait_for(f"http://127.0.0.1:{port}/stats", process)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def real_model_server() -> Iterator[str]:
    port = str(free_port())
    with ended_after("batchconsole.modelserver", "--model", str(model.fetch()), "--port", port) as process:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def ended_after(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        stop(process)


def stats(url: str) -> dict[str, float]:
    """Requests since the last call, and the seconds between the first and the last of them."""
    with urllib.request.urlopen(f"{url}/stats") as response:
        found: dict[str, float] = json.load(response)
    return found


def send_all(url: str, records: list[dict[str, Any]]) -> None:
    """What *records* ask, from a thread pool, with the HTTP client the service uses."""
    http = urllib3.PoolManager(maxsize=CONCURRENCY)
    bodies = [as_chat(record["modelInput"]) for record in records]

    def send(body: dict[str, Any]) -> Any:
        return http.request("POST", f"{url}/v1/chat/completions", json=body).json()["choices"]

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(send, bodies))


def as_chat(model_input: dict[str, Any]) -> dict[str, Any]:
    config = model_input.get("inferenceConfig", {})
    messages = [{"role": "user", "content": message["content"][0]["text"]} for message in model_input["messages"]]
    return {"model": "any", "messages": messages, "max_tokens": config.get("maxTokens"), "temperature": 0}
