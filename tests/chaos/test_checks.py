"""The checks of `manage.py chaos` see what they are to see: each broken promise is found, and only that."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchconsole.jobs.models import BatchJob, Connection, Status, Verb
from tests.chaos.ledger import Ledger, Outcome
from tests.chaos.leftovers import find_stray_files, sqlite_damage
from tests.chaos.outputs import Output, once, right
from tests.chaos.promises import counted, posts, trail
from tests.factories import make_job

INPUTS = Counter({"a": 1, "b": 1})


@pytest.fixture
def job(db: None) -> BatchJob:
    """A queued job with its trail."""
    made = make_job(Connection.objects.create(name="nowhere"))
    made.record(Verb.CREATED, to_status=made.status)
    return made


@pytest.mark.parametrize(
    ("found", "outcome", "kinds"),
    [
        (1, Outcome.ACCEPTED, []),
        (0, Outcome.ACCEPTED, ["lost"]),
        (2, Outcome.ACCEPTED, ["doubled"]),
        (0, Outcome.REFUSED, []),
        (1, Outcome.REFUSED, ["wrong"]),
        (1, Outcome.UNKNOWN, []),
        (0, Outcome.UNKNOWN, []),
        (2, Outcome.UNKNOWN, ["doubled"]),
    ],
)
def test_a_post_has_as_many_rows_as_its_answer_says(found: int, outcome: Outcome, kinds: list[str]) -> None:
    assert [each.kind for each in counted("job", found, outcome)] == kinds


def test_a_row_is_found_by_its_name(job: BatchJob) -> None:
    ledger = Ledger(jobs={job.job_name: Outcome.ACCEPTED, "gone": Outcome.ACCEPTED})
    assert [each.what for each in posts(ledger)] == ["gone was accepted and is not there"]


def test_a_legal_trail_is_in_order(job: BatchJob) -> None:
    job.transition(Status.CANCELLED, verb=Verb.CANCELLED)
    assert not list(trail(job))


@pytest.mark.parametrize(("was", "to"), [("Queued", "Checking"), ("InProgress", "Completed")])
def test_a_step_that_is_illegal_or_begins_elsewhere_is_found(job: BatchJob, was: str, to: str) -> None:
    job.record(Verb.REPORTED, from_status=was, to_status=to)
    BatchJob.objects.update(status=to)
    job.refresh_from_db()
    assert [each.kind for each in trail(job)] == ["illegal"]


def test_a_step_that_was_not_recorded_is_found(job: BatchJob) -> None:
    BatchJob.objects.update(status=Status.CANCELLED)
    job.refresh_from_db()
    assert [each.kind for each in trail(job)] == ["illegal"]


@pytest.mark.parametrize(
    ("ids", "status", "kinds"),
    [
        ("ab", Status.COMPLETED, []),
        ("a", Status.COMPLETED, ["lost"]),
        ("a", Status.STOPPED, []),
        ("abb", Status.STOPPED, ["doubled"]),
    ],
)
def test_each_record_is_in_the_output_once(ids: str, status: str, kinds: list[str]) -> None:
    assert [each.kind for each in once(BatchJob(status=status), INPUTS, Output(ids=Counter(ids)))] == kinds


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"success_record_count": 2},
        {"output_token_count": 9},
        {"cost_usd": 1},
        {"results": BatchJob.Results.FAILED},
    ],
    ids=str,
)
def test_a_count_a_token_or_a_cent_that_is_wrong_is_found(wrong: dict[str, Any]) -> None:
    values = {
        "status": Status.COMPLETED,
        "model_id": "amazon.nova-micro-v1:0",
        "connection": Connection(region="us-east-1"),
        "processed_record_count": 2,
        "success_record_count": 1,
        "error_record_count": 1,
        "results": BatchJob.Results.READY,
        "input_token_count": 0,
        "output_token_count": 0,
        "cost_usd": 0,
    }
    output = Output(ids=Counter("ab"), failed={"b"}, manifest={"processedRecordCount": 2})
    assert [each.kind for each in right(BatchJob(**values | wrong), output)] == ["wrong"] * len(wrong)


def test_a_file_that_was_left_is_found(tmp_path: Path) -> None:
    for name in ("arriving/lock", "uploads/aa.1", "bedrock/spool/j/1.out", "secret.new"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {each.split()[0] for each in find_stray_files(tmp_path)}
    assert found == {"uploads/aa.1", "bedrock/spool/j/1.out", "secret.new"}


def test_a_row_that_points_nowhere_is_found(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite3") as database:
        database.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        database.execute("CREATE TABLE b (a INTEGER REFERENCES a (id))")
        database.execute("INSERT INTO b VALUES (7)")
    assert list(sqlite_damage(tmp_path / "a.sqlite3")) == ["a.sqlite3: row 1 of b points to no row of a"]
