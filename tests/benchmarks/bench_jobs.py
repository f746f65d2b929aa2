"""The job list with a million jobs in the table, and the calls that following ten thousand live ones takes."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone

from batchconsole.jobs import search
from batchconsole.jobs.models import ENDED_ON_AWS, LIVE, WAITING, BatchJob, Connection, Status
from batchconsole.jobs.sync import sync
from tests.benchmarks.row import Row
from tests.jobs.bedrock_double import BedrockDouble
from tests.jobs.conftest import arn, make_job

FEW, MANY, FOLLOWED = 1_000, 1_000_000, 10_000
RUNS = 5
SIZE = 50
ENDED_BADLY = ("Failed", "Expired", "Rejected", "SubmitFailed")
SEGMENTS = (WAITING, LIVE, ENDED_ON_AWS, ENDED_BADLY, ("Stopped", "Cancelled"))
NEWEST_FIRST = ("-created_at", "-id")
# One of each kind of list: all, by state, by text that is frequent, rare and absent, in another order, and far back.
LISTS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "one status": {"statuses": ["Failed"]},
    "a group of states": {"statuses": LIVE},
    "a state that no job is in": {"statuses": ["Stopped"]},
    "text that many jobs have": {"text": "night"},
    "text that some jobs have": {"text": "4711"},
    "text that one job has": {"text": "needle"},
    "text that no job has": {"text": "nothing-like-this"},
    "text and status": {"text": "needle", "statuses": ["Completed"]},
    "frequent text and a rare status": {"text": "night", "statuses": ["Stopped"]},
    "sorted by name": {"order": ("job_name", "id")},
    "sorted by status": {"order": ("status", *NEWEST_FIRST)},
    "page 20": {"number": 20},
}
FILL = """
INSERT INTO jobs_batchjob ({columns})
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %s)
SELECT {values} FROM numbers, (SELECT * FROM jobs_batchjob WHERE id = %s) AS one
"""
# What differs from row to row; everything else is a copy of one job.
VARIED = {
    "job_name": "CASE WHEN i = 500 THEN 'the-needle' ELSE 'nightly-' || (i * 7919 % 1000003) END",
    "client_request_token": "'token-' || i",
    "job_arn": "'arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/' || printf('%%012d', i)",
    "model_id": "CASE i % 3 WHEN 0 THEN 'amazon.nova-micro-v1:0' WHEN 1 THEN 'amazon.nova-lite-v1:0' "
    "ELSE 'meta.llama3-1-8b-instruct-v1:0' END",
    "base_model_id": "CASE i % 3 WHEN 0 THEN 'amazon.nova-micro-v1:0' WHEN 1 THEN 'amazon.nova-lite-v1:0' "
    "ELSE 'meta.llama3-1-8b-instruct-v1:0' END",
    "status": "CASE WHEN i % 50 = 0 THEN 'Failed' WHEN i % 97 = 0 THEN 'InProgress' ELSE 'Completed' END",
    "created_at": "datetime('2026-01-01', '+' || (i * 20) || ' seconds')",
    "end_time": "datetime('2026-01-01', '+' || (i * 20 + 1800) || ' seconds')",
}


def main() -> Iterator[Row]:
    """The rows of the table, one by one."""
    yield from job_list()
    yield calls_of_a_sync()


@contextmanager
def scratch_database() -> Iterator[None]:
    """An empty database in place of the default one, for the length of the block."""
    before = database.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        database.close()
        database.settings_dict["NAME"] = str(Path(folder) / "bench.sqlite3")
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            database.close()
            database.settings_dict["NAME"] = before


def make_connection() -> Connection:
    return Connection.objects.create(name="local", title="Local", credentials="local", account_id="123456789012")


def fill(count: int) -> None:
    """As many jobs, made in one statement of SQL."""
    template = make_job(make_connection(), status=Status.COMPLETED, due_at=None)
    columns = [str(field.column) for field in BatchJob._meta.local_concrete_fields if not field.primary_key]
    values = ", ".join(VARIED.get(column, f"one.{column}") for column in columns)
    search.drop_index(using="default")
    with database.cursor() as cursor:
        cursor.execute(FILL.format(columns=", ".join(columns), values=values), [count - 1, template.pk])
    search.make_index(using="default")


def times() -> dict[str, float]:
    """Median seconds of each list."""
    connection = Connection.objects.get()
    return {name: median(partial(read_list, connection, **asked)) for name, asked in LISTS.items()}


def read_list(
    connection: Connection,
    *,
    text: str = "",
    statuses: Iterable[str] = (),
    order: tuple[str, ...] = NEWEST_FIRST,
    number: int = 1,
) -> None:
    """What a page of the list asks the database: its rows, how many there are, and how many in each group of states."""
    matching = BatchJob.objects.filter(connection=connection).matching(text)
    jobs = matching.in_status(statuses)
    list(jobs.select_related("created_by", "connection").order_by(*order)[(number - 1) * SIZE : number * SIZE])
    for counted in (jobs, matching, *(matching.filter(status__in=segment) for segment in SEGMENTS)):
        counted.bounded_count(1000)


def median(step: Callable[[], None]) -> float:
    step()
    seconds = []
    for _ in range(RUNS):
        before = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - before)
    return statistics.median(seconds)


def job_list() -> Iterator[Row]:
    with scratch_database():
        fill(FEW)
        few = times()
    with scratch_database():
        fill(MANY)
        many = times()
    for name in LISTS:
        note = f"{few[name] * 1000:.0f} ms with {FEW:,}, {many[name] * 1000:.0f} ms with {MANY:,}"
        yield Row(f"job list of {MANY:,} jobs, {name}", many[name] / few[name], at_most=2, note=note)


def calls_of_a_sync() -> Row:
    now = timezone.now()
    with scratch_database(), BedrockDouble() as double:
        connection = make_connection()
        connection.bedrock_endpoint_url, connection.sync_watermark = double.url, now
        connection.save()
        rows = []
        for number in range(FOLLOWED):
            age = timedelta(seconds=number)
            double.add(number=number, status="InProgress", age=age)
            job = {"job_name": f"job-{number}", "job_arn": arn(number), "submit_time": now - age}
            rows.append(BatchJob(connection=connection, status=Status.IN_PROGRESS, due_at=None, **job))
        BatchJob.objects.bulk_create(rows)
        sync(connection)
        return Row(f"sync of {FOLLOWED:,} live jobs", double.calls, unit="calls", at_most=11)
