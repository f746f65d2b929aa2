"""The picture of a job's way: which stages it went through, when, and how long each took."""

from datetime import UTC, datetime, timedelta

import pytest

from batchconsole.console.job.stages import stages, times_entered
from batchconsole.jobs.models import BatchJob, Event
from tests.console.conftest import MakeJob

BEGIN = datetime(2026, 4, 12, 2, 0, tzinfo=UTC)
STEPS = ("Queued", "Submitting", "Submitted", "Validating", "Scheduled", "InProgress")


def after(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def way(*statuses: str) -> list[Event]:
    """One event a minute."""
    pairs = zip(("", *statuses), statuses, strict=False)
    return [
        Event(at=after(number), from_status=old, to_status=new, verb="reported")
        for number, (old, new) in enumerate(pairs)
    ]


def states(job: BatchJob, events: list[Event]) -> list[tuple[str, str]]:
    return [(stage.title, stage.state) for stage in stages(job, events)]


def test_a_running_job_has_stages_behind_and_ahead(make_job: MakeJob) -> None:
    job = make_job(status="InProgress", created_at=BEGIN)
    assert states(job, way(*STEPS)) == [
        ("Queued", "done"),
        ("Submitted", "done"),
        ("Validating", "done"),
        ("Scheduled", "done"),
        ("In progress", "current"),
        ("Completed", "ahead"),
    ]


def test_a_stage_lasts_until_the_next_one(make_job: MakeJob) -> None:
    job = make_job(status="Completed", created_at=BEGIN, end_time=after(30))
    lasted = {stage.title: stage.lasted for stage in stages(job, way(*STEPS, "Completed"))}
    assert lasted["Queued"] == timedelta(minutes=2)
    assert lasted["In progress"] == timedelta(minutes=25)
    assert lasted["Completed"] is None


def test_a_stage_that_nobody_saw_is_skipped(make_job: MakeJob) -> None:
    job = make_job(status="Completed", created_at=BEGIN, submit_time=after(1), end_time=after(9))
    assert dict(states(job, []))["Scheduled"] == "skipped"
    assert dict(states(job, []))["Submitted"] == "done"


def test_a_job_found_running_has_been_through_what_comes_before(make_job: MakeJob) -> None:
    job = make_job(status="InProgress", origin="imported", submit_time=after(1))
    assert dict(states(job, []))["Scheduled"] == "skipped"
    assert dict(states(job, []))["Completed"] == "ahead"


def test_a_stage_that_never_came_is_not_reached(make_job: MakeJob) -> None:
    job = make_job(status="SubmitFailed", created_at=BEGIN)
    assert dict(states(job, way("Queued", "SubmitFailed")))["Scheduled"] == "unreached"


@pytest.mark.parametrize(
    ("status", "state"),
    [("Completed", "done"), ("PartiallyCompleted", "warning"), ("Failed", "error"), ("Expired", "error"),
     ("Stopped", "stopped"), ("Cancelled", "stopped"), ("Rejected", "error"), ("SubmitFailed", "error")],
)  # fmt: skip
def test_each_end_looks_like_what_it_is(make_job: MakeJob, status: str, state: str) -> None:
    assert stages(make_job(status=status), [])[-1].state == state


def test_a_job_that_is_being_submitted_is_still_queued(make_job: MakeJob) -> None:
    assert states(make_job(status="Submitting"), way("Queued", "Submitting"))[0] == ("Queued", "current")


def test_checking_and_stopping_are_stages_of_the_jobs_that_have_them(make_job: MakeJob) -> None:
    assert states(make_job(status="Checking", check_input=True), [])[0] == ("Checking", "current")
    assert states(make_job(status="Stopping"), [])[-2] == ("Stopping", "current")


def test_a_state_entered_twice_counts_from_the_first_time(make_job: MakeJob) -> None:
    job = make_job(status="Queued", created_at=BEGIN)
    assert times_entered(job, way("Queued", "Submitting", "Queued"))["Queued"] == BEGIN
