"""What is kept for how long: what can be read again goes, the job and its sums stay."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from batchconsole.jobs import retention
from batchconsole.jobs.models import (
    BatchJob,
    Connection,
    InputCheck,
    MadeInput,
    OpenAIBatch,
    OpenAIFile,
    ResultFile,
    ResultIndex,
    Status,
    Verb,
)
from tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=31)


@pytest.fixture
def read(nowhere: Connection) -> BatchJob:
    """A job whose results were read long ago."""
    job = make_job(nowhere, status=Status.COMPLETED, end_time=LONG_AGO, results="ready", output_token_count=7)
    ResultIndex.objects.create(job=job, totals_json="{}", packed=b"", read_at=LONG_AGO)
    ResultFile.objects.create(job=job, name="a.jsonl.out", key="out/a.jsonl.out", size=1, etag="x")
    return job


def checked(connection: Connection, status: Status = Status.COMPLETED) -> BatchJob:
    check = InputCheck.objects.create(
        connection=connection,
        input_s3_uri="s3://b/in/",
        model_id="m",
        model_invocation_type="Converse",
        state=InputCheck.State.DONE,
        finished_at=LONG_AGO,
        due_at=None,
    )
    return make_job(connection, status=status, status_changed_at=LONG_AGO, input_check=check)


def test_results_are_kept_for_ever_unless_a_setting_says_otherwise(read: BatchJob) -> None:
    assert retention.prune() == 0
    assert ResultIndex.objects.exists()


@pytest.mark.parametrize(("days", "is_kept"), [(30, False), (32, True)])
def test_old_results_go_and_the_sums_stay(read: BatchJob, settings: Settings, days: int, is_kept: bool) -> None:
    settings.RESULT_DAYS = days
    retention.prune()
    read.refresh_from_db()
    assert (ResultIndex.objects.exists(), ResultFile.objects.exists()) == (is_kept, is_kept)
    assert read.output_token_count == 7
    assert read.results == ("ready" if is_kept else "none")
    assert read.events.filter(verb=Verb.RESULTS_EXPIRED).exists() is not is_kept


def test_results_of_an_old_job_that_were_read_again_are_kept_as_long_again(read: BatchJob, settings: Settings) -> None:
    settings.RESULT_DAYS = 30
    ResultIndex.objects.update(read_at=timezone.now() - timedelta(days=29))
    assert retention.prune() == 0
    assert ResultIndex.objects.exists()


def test_reports_of_jobs_that_ended_long_ago_go(nowhere: Connection, settings: Settings) -> None:
    ended, live = checked(nowhere), checked(nowhere, Status.IN_PROGRESS)
    settings.REPORT_DAYS = 30
    assert retention.prune() == 1
    assert BatchJob.objects.get(pk=ended.pk).input_check is None
    assert BatchJob.objects.get(pk=live.pk).input_check


def test_a_report_that_another_job_still_shows_stays(nowhere: Connection, settings: Settings) -> None:
    ended = checked(nowhere)
    make_job(nowhere, input_check=ended.input_check)
    settings.REPORT_DAYS = 30
    assert retention.prune() == 0


def made(connection: Connection, *, resend_of: BatchJob | None = None) -> MadeInput:
    return MadeInput.objects.create(
        connection=connection,
        source_name="a.csv",
        source_size=1,
        resend_of=resend_of,
        output_s3_uri="s3://b/made/",
        state=MadeInput.State.DONE,
        finished_at=LONG_AGO,
        due_at=None,
    )


@pytest.mark.parametrize(("days", "is_kept"), [(0, True), (30, False)])
def test_checks_and_made_inputs_are_kept_for_ever_with_0_days(
    nowhere: Connection, settings: Settings, days: int, is_kept: bool
) -> None:
    settings.CHECK_DAYS = settings.MADE_INPUT_DAYS = days
    made(nowhere)
    checked(nowhere)
    BatchJob.objects.update(input_check=None)
    retention.prune()
    assert (MadeInput.objects.exists(), InputCheck.objects.exists()) == (is_kept, is_kept)


def test_a_resend_is_kept_as_long_as_its_job(nowhere: Connection) -> None:
    kept = made(nowhere, resend_of=make_job(nowhere, status=Status.COMPLETED))
    MadeInput.objects.update(finished_at=timezone.now() - timedelta(days=500))
    retention.prune()
    assert list(MadeInput.objects.all()) == [kept]


def openai_batch(connection: Connection, **columns: object) -> OpenAIBatch:
    """An OpenAI batch of the file ``file-in``, whose answers are ``file-out``."""
    for file_id in ("file-in", "file-out", "file-alone"):
        OpenAIFile.objects.create(connection=connection, file_id=file_id, bytes=1, created_at=LONG_AGO)
    files = {"input_file_id": "file-in", "output_file_id": "file-out"}
    return OpenAIBatch.objects.create(connection=connection, batch_id="batch_1", timeout_hours=24, **files, **columns)


@pytest.mark.parametrize(("days", "files"), [(0, 3), (32, 3), (30, 0)])
def test_an_openai_batch_goes_with_its_files(nowhere: Connection, settings: Settings, days: int, files: int) -> None:
    settings.OPENAI_DAYS = days
    openai_batch(nowhere, ended_at=LONG_AGO)
    retention.prune()
    assert OpenAIFile.objects.count() == files
    assert OpenAIBatch.objects.exists() is bool(files)


def test_of_an_openai_batch_that_has_not_ended_nothing_goes(nowhere: Connection, settings: Settings) -> None:
    settings.OPENAI_DAYS = 30
    openai_batch(nowhere)
    retention.prune()
    assert set(OpenAIFile.objects.values_list("file_id", flat=True)) == {"file-in", "file-out"}


def kept(what: str) -> retention.Kept:
    return next(each for each in retention.kinds_kept() if each.what.startswith(what))


def test_what_goes_next_is_told_with_its_time(read: BatchJob, settings: Settings) -> None:
    settings.RESULT_DAYS = 40
    results = kept("Results")
    assert results.next_at == LONG_AGO + timedelta(days=40)
    assert [results.due_by(timezone.now() + timedelta(days=days), 10) for days in (1, 10)] == [0, 1]


def test_a_kind_that_is_kept_for_ever_has_nothing_that_goes(read: BatchJob) -> None:
    assert (kept("Results").next_at, kept("Results").due_by(timezone.now(), 10)) == (None, 0)


def test_what_the_page_tells_is_what_goes(nowhere: Connection, settings: Settings) -> None:
    checked(nowhere)
    checked(nowhere, Status.IN_PROGRESS)
    settings.REPORT_DAYS = 30
    assert kept("Input checks of jobs").due_by(timezone.now(), 10) == 1 == retention.prune()


@pytest.mark.parametrize(
    "name", ["AUDIT", "CHECK", "REPORT", "RESULT", "MADE_INPUT", "SCHEDULE", "NOTIFICATION", "OPENAI"]
)
def test_each_kind_can_be_asked(name: str, settings: Settings, db: None) -> None:
    setattr(settings, f"{name}_DAYS", 1)
    asked = [each for each in retention.kinds_kept() if each.setting == f"{name}_DAYS"]
    assert asked
    assert [(each.next_at, each.due_by(timezone.now(), 10)) for each in asked] == [(None, 0)] * len(asked)
