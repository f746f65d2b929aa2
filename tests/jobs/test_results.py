"""What came of a job: read once from real S3 when it ends, and page by page afterwards."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.jobs import lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Connection, Status, Verb
from batchconsole.jobs.outputs import result_pages, results
from batchconsole.records.selecting import Wanted
from tests.jobs.conftest import MODEL, Sample, arn, held, make_job
from tests.jobs.test_lifecycle import follow

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]


def line(number: int, **more: Any) -> bytes:
    """An output line of the Converse kind; an error instead of an answer when *more* has one."""
    asked = {"messages": [{"role": "user", "content": [{"text": f"Question {number}?"}]}]}
    answered = {
        "output": {"message": {"role": "assistant", "content": [{"text": f"Answer {number}."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13},
    }
    outcome = more or {"modelOutput": answered}
    return json.dumps({"recordId": f"rec-{number}", "modelInput": asked, **outcome}).encode() + b"\n"


def failed(number: int, message: str = "The model refused.") -> bytes:
    return line(number, error={"errorCode": 400, "errorMessage": message})


@pytest.fixture
def ended(connection: Connection, sample_input: Sample) -> BatchJob:
    """A completed job whose output is yet to be written."""
    return make_job(
        connection,
        status=Status.COMPLETED,
        results=BatchJob.Results.PENDING,
        job_arn=arn(1),
        model_invocation_type="Converse",
        output_s3_uri=sample_input.output_s3_uri,
    )


def write(job: BatchJob, name: str, data: bytes) -> None:
    bucket, folder = results.output_folder(job)
    s3.put_object(job.connection.target, bucket, folder + name, data)


def test_it_works(job: BatchJob) -> None:
    lifecycle.submit(job)
    job = follow(job)
    results.collect_results(job)
    assert (job.results, job.due_at) == (BatchJob.Results.READY, None)
    assert job.manifest
    assert job.manifest["successRecordCount"] == 100
    assert job.result_index.totals.succeeded == 100
    page = result_pages.read_page(job, 4, size=30)
    assert (page.count, len(page.rows)) == (100, 10)
    assert all(row.record.answer for row in page.rows)


def test_tokens_and_cost_are_summed(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", b"".join(line(number) for number in range(1000)))
    results.collect_results(ended)
    assert (ended.input_token_count, ended.output_token_count) == (10_000, 3000)
    assert ended.cost_usd == Decimal("0.000385")  # Nova Micro: 0.0175 and 0.07 USD a million.
    assert ended.events.get(verb=Verb.RESULTS_READ).data == {"records": 1000, "errors": 0}


def test_awss_own_figures_come_first(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1))
    write(
        ended, "manifest.json.out", b'{"totalRecordCount": 7, "inputTokenCount": 70, "outputTokenCount": 7, "new": 1}'
    )
    results.collect_results(ended)
    assert (ended.input_token_count, ended.output_token_count, ended.total_record_count) == (70, 7, 7)


def test_a_manifest_nobody_can_read_is_no_obstacle(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1))
    write(ended, "manifest.json.out", b"<html>")
    results.collect_results(ended)
    assert (ended.results, ended.manifest, ended.input_token_count) == (BatchJob.Results.READY, None, 10)


def test_a_model_without_a_price_has_no_cost(ended: BatchJob) -> None:
    BatchJob.objects.filter(pk=ended.pk).update(model_id="nobody.knows-v1:0")
    ended.refresh_from_db()
    write(ended, "a.jsonl.out", line(1))
    results.collect_results(ended)
    assert (ended.input_token_count, ended.cost_usd) == (10, None)


def test_errors_are_grouped_by_message(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1) + failed(2) + failed(3) + failed(4, "Too long."))
    results.collect_results(ended)
    groups = ended.result_index.totals.errors
    assert [(group.message, group.count) for group in groups] == [("The model refused.", 2), ("Too long.", 1)]
    assert groups[0].record_ids == ["rec-2", "rec-3"]
    assert (ended.success_record_count, ended.error_record_count) == (1, 3)


def test_pages_go_on_across_files_and_folders(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1) + line(2))
    write(ended, "deep/b.jsonl.out", line(3) + line(4))
    write(ended, "notes.txt", b"not a result")
    results.collect_results(ended)
    assert [file.name for file in ended.result_files.all()] == ["a.jsonl.out", "deep/b.jsonl.out"]
    rows = result_pages.read_page(ended, 1, size=3).rows + result_pages.read_page(ended, 2, size=3).rows
    assert [row.record.question for row in rows] == [f"Question {number}?" for number in (1, 2, 3, 4)]


def test_only_the_errors(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1) + failed(2) + line(3) + failed(4))
    results.collect_results(ended)
    page = result_pages.read_page(ended, 2, size=1, wanted=Wanted(only="errors"))
    assert (page.count, [(row.position, row.record.record_id) for row in page.rows]) == (2, [(3, "rec-4")])


def test_one_record_by_its_id_and_by_its_position(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1) + line(2) + line(2))
    results.collect_results(ended)
    assert [row.position for row in result_pages.find_records(ended, "rec-2").rows] == [1, 2]
    assert result_pages.find_records(ended, "rec-9").rows == []
    row = result_pages.read_record(ended, 0)
    assert row
    assert row.record.answer == "Answer 1."
    assert result_pages.read_record(ended, 3) is None


def test_past_the_end_is_the_last_page(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1))
    results.collect_results(ended)
    assert result_pages.read_page(ended, 9) == result_pages.read_page(ended, 0) == result_pages.read_page(ended, 1)


def test_before_it_is_read_there_is_nothing(ended: BatchJob) -> None:
    assert result_pages.read_page(ended) == result_pages.ResultPage(1, 10, 0)


def test_output_that_has_changed_since_is_not_shown_as_it_was(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1) + line(2))
    results.collect_results(ended)
    write(ended, "a.jsonl.out", line(3))
    with pytest.raises(AwsError) as caught:
        result_pages.read_page(ended)
    assert caught.value.code == "PreconditionFailed"


@pytest.mark.parametrize("uri", ["s3://bucket/out", "s3://bucket/out/", "s3://bucket/out//"])
def test_there_is_one_slash_before_the_folder(nowhere: Connection, uri: str) -> None:
    job = make_job(nowhere, output_s3_uri=uri, job_arn=arn(1))
    assert results.output_folder(job) == ("bucket", "out/000000000001/")


def test_output_straight_in_the_bucket(nowhere: Connection) -> None:
    job = make_job(nowhere, output_s3_uri="s3://bucket", job_arn=arn(1))
    assert results.output_folder(job) == ("bucket", "000000000001/")


@pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED, Status.STOPPED])
def test_a_job_that_wrote_nothing_has_no_results(ended: BatchJob, status: Status) -> None:
    ended.status = status
    ended.save()
    results.collect_results(ended)
    assert (ended.results, ended.results_error, ended.due_at) == (BatchJob.Results.NONE, None, None)


def test_a_job_that_failed_for_want_of_a_bucket_has_no_results(ended: BatchJob) -> None:
    ended.status, ended.output_s3_uri = Status.FAILED, "s3://no-such-bucket-here/out/"
    ended.save()
    results.collect_results(ended)
    assert ended.results == BatchJob.Results.NONE


def test_a_completed_jobs_output_that_is_gone_is_said(ended: BatchJob) -> None:
    results.collect_results(ended)
    assert ended.results == BatchJob.Results.FAILED
    assert ended.results_error
    assert ended.results_error["hint"]
    assert ended.events.filter(verb=Verb.RESULTS_FAILED).exists()


def test_with_s3_away_it_is_tried_again(nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.COMPLETED, results=BatchJob.Results.PENDING, job_arn=arn(1))
    results.collect_results(job)
    job.refresh_from_db()
    assert job.results == BatchJob.Results.PENDING
    assert job.results_error
    assert job.results_error["code"] == "EndpointUnreachable"
    assert job.due_at
    assert job.due_at > timezone.now()


def test_a_worker_that_was_overtaken_writes_nothing(ended: BatchJob) -> None:
    write(ended, "a.jsonl.out", line(1))
    late = BatchJob.objects.get(pk=ended.pk)
    held(results.collect_results, BatchJob.objects.get(pk=ended.pk))
    results.collect_results(late)
    assert BatchJob.objects.get(pk=ended.pk).results == BatchJob.Results.PENDING


def test_it_is_read_once_more_when_somebody_asks(ended: BatchJob, person: User, nudges: Nudges) -> None:
    results.collect_results(ended)
    write(ended, "a.jsonl.out", line(1))
    results.request_results(ended, person)
    assert nudges == [("collect_results", ended.pk)]
    results.collect_results(ended)
    assert (ended.results, ended.results_error) == (BatchJob.Results.READY, None)
    assert ended.events.get(verb=Verb.RESULTS_REQUESTED).actor == person


def test_a_job_that_runs_has_nothing_to_read(nowhere: Connection, person: User) -> None:
    job = make_job(nowhere, model_id=MODEL, status=Status.IN_PROGRESS)
    with pytest.raises(UserError):
        results.request_results(job, person)


def test_a_message_may_hold_a_nul(ended: BatchJob) -> None:
    """PostgreSQL's JSON does not take it."""
    write(ended, "a.jsonl.out", failed(1, "What is \x00?"))
    results.collect_results(ended)
    assert ended.result_index.totals.errors[0].message == "What is \x00?"


CACHED = [
    {"output": {"message": {"content": [{"text": "a"}]}}, "usage": {
        "inputTokens": 10, "outputTokens": 3, "cacheReadInputTokens": 1000, "cacheWriteInputTokens": 400}},
    {"content": [{"text": "a"}], "usage": {
        "input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 400}},
    {"output": {"message": {"content": [{"text": "a"}]}}, "usage": {
        "inputTokens": 10, "outputTokens": 3, "cacheReadInputTokenCount": 1000, "cacheWriteInputTokenCount": 400}},
]  # fmt: skip


@pytest.mark.parametrize("output", CACHED)
def test_cached_tokens_are_counted_and_priced(ended: BatchJob, output: dict[str, Any]) -> None:
    write(ended, "a.jsonl.out", line(1, modelOutput=output) * 1000)
    results.collect_results(ended)
    assert (ended.input_token_count, ended.cache_read_token_count, ended.cache_write_token_count) == (
        10_000,
        1_000_000,
        400_000,
    )
    # Nova Micro: input 0.0175 USD a million; read from the cache at a quarter of that, written at the same.
    assert ended.cost_usd == Decimal("0.011760")
