"""What the local Bedrock costs: processor time a record, throughput over a model server, memory for a large input."""

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import urllib3

from tests.benchmarks.row import Row
from tests.conftest import free_port, local_aws
from tests.localbedrock.stack import Service, Workspace, converse_record, create, json_lines, running

ECHO_RECORDS = 20_000
LATENCY_SECONDS = 0.05
CONCURRENCY = 8
MODEL_RECORDS = 1_000
ROUNDS = 4
LARGE_RECORDS = 50_000
LARGE_RECORD_BYTES = 21_000  # Together 1.05 GB, and within a file's limit of 1 GiB.


def main() -> Iterator[Row]:
    """The figures, each as soon as it is known; all of them take about three minutes."""
    with tempfile.TemporaryDirectory() as folder, local_aws(Path(folder)) as (aws_url, _):
        workspace = Workspace(aws_url)
        yield cpu_per_record(workspace, aws_url)
        yield throughput(workspace, aws_url)
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

    Both in turns, the best of each: on a machine that does other work the worst only tells of that work.
    """
    bodies = [
        {"model": "fake", "messages": [{"role": "user", "content": f"Prompt {number}"}]}
        for number in range(MODEL_RECORDS)
    ]
    with model_server() as url, service(aws_url, "--concurrency", str(CONCURRENCY), model=url) as started:
        uri = workspace.put_records(MODEL_RECORDS)
        pairs = [
            (rate(url, lambda: send_all(url, bodies)), rate(url, lambda: run(workspace, started, uri)))
            for _ in range(ROUNDS)
        ]
    bare, ours = (max(rates) for rates in zip(*pairs, strict=True))
    return Row(
        "local Bedrock over a model server / a bare thread pool",
        ours / bare,
        at_least=0.95,
        note=f"{ours:.0f} and {bare:.0f} requests/s, {CONCURRENCY} at once",
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
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.localbedrock.fake_model", str(port), str(LATENCY_SECONDS)])
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                stats(url)
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def stats(url: str) -> dict[str, float]:
    """Requests since the last call, and the seconds between the first and the last of them."""
    with urllib.request.urlopen(f"{url}/stats") as response:
        found: dict[str, float] = json.load(response)
    return found


def rate(url: str, send: Any) -> float:
    """Requests a second, as the model server saw them."""
    stats(url)
    send()
    found = stats(url)
    assert found["requests"] == MODEL_RECORDS
    return found["requests"] / found["seconds"]


def send_all(url: str, bodies: list[dict[str, Any]]) -> None:
    """*bodies* from a thread pool, with the HTTP client the service uses."""
    http = urllib3.PoolManager(maxsize=CONCURRENCY)

    def send(body: dict[str, Any]) -> Any:
        return http.request("POST", f"{url}/v1/chat/completions", json=body).json()

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(send, bodies))
