"""Sending again what failed or was never answered, and both runs read as one; against the local stack."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from batchconsole.aws import s3
from batchconsole.jobs import making, resending, results
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Connection, MadeInput, Status
from batchconsole.records.retry import Outcome
from tests.conftest import ACCOUNT

BUCKET = "resending"
RECORDS = 6


def line(number: int) -> bytes:
    body = {"messages": [{"role": "user", "content": [{"text": f"Question {number}"}]}]}
    return json.dumps({"recordId": f"r{number}", "modelInput": body}).encode() + b"\n"


def outcome(number: int, text: str) -> bytes:
    """The output line of record *number*: an answer, or with no *text* an error."""
    record = json.loads(line(number))
    if text:
        record["modelOutput"] = {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        }
    else:
        record["error"] = {"errorCode": 400, "errorMessage": "No."}
    return json.dumps(record).encode() + b"\n"


@pytest.fixture
def ended(connection: Connection, boto: Callable[[str], Any]) -> Callable[..., BatchJob]:
    """``ended("abc", inputs, outputs)``: a job with that id that stopped, its files in S3 and its results read."""
    boto("s3").create_bucket(Bucket=BUCKET)

    def make(job_id: str, inputs: list[bytes], outputs: list[bytes], **fields: Any) -> BatchJob:
        s3.put_object(connection.target, BUCKET, f"{job_id}/in.jsonl", b"".join(inputs))
        s3.put_object(connection.target, BUCKET, f"out/{job_id}/in.jsonl.out", b"".join(outputs))
        job: BatchJob = BatchJob.objects.create(
            connection=connection,
            job_name=f"job-{job_id}",
            status=Status.STOPPED,
            model_id="amazon.nova-micro-v1:0",
            model_invocation_type="Converse",
            input_s3_uri=f"s3://{BUCKET}/{job_id}/in.jsonl",
            output_s3_uri=f"s3://{BUCKET}/out/",
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/batch",
            job_arn=f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/{job_id:0>12}",
            results=BatchJob.Results.PENDING,
            **fields,
        )
        s3.put_object(connection.target, BUCKET, f"out/{job.aws_id}/in.jsonl.out", b"".join(outputs))
        results.collect_results(job)
        assert job.results == BatchJob.Results.READY
        return job

    return make


@pytest.fixture
def job(ended: Callable[..., BatchJob]) -> BatchJob:
    """Six records: 0 and 1 answered, 2 and 3 failed, 4 and 5 never answered; the output in another order."""
    inputs = [line(number) for number in range(RECORDS)]
    return ended("first", inputs, [outcome(3, ""), outcome(1, "one"), outcome(2, ""), outcome(0, "zero")])


def written(job: BatchJob, **choice: Any) -> list[str]:
    """The ids of the records that a resend of *job* with *choice* holds."""
    made = resending.start(job, None, **choice)
    making.run(made)
    made.refresh_from_db()
    assert made.state == MadeInput.State.DONE, made.error
    bucket, key = s3.parse_s3_uri(made.output_s3_uri)
    data = b"".join(s3.iter_object(job.connection.target, bucket, key))
    return [json.loads(each)["recordId"] for each in data.splitlines()]


def test_the_failed_and_the_unanswered_are_written_in_order(job: BatchJob) -> None:
    assert written(job, failed=True, unanswered=True) == ["r2", "r3", "r4", "r5"]


def test_only_the_failed(job: BatchJob) -> None:
    assert written(job, failed=True, unanswered=False) == ["r2", "r3"]


def test_only_the_unanswered(job: BatchJob) -> None:
    assert written(job, failed=False, unanswered=True) == ["r4", "r5"]


def test_answered_records_fill_up_to_a_least_number(job: BatchJob) -> None:
    assert written(job, failed=True, unanswered=False, at_least=3) == ["r0", "r2", "r3"]


def test_the_lines_are_those_of_the_input_to_the_byte(job: BatchJob) -> None:
    made = resending.start(job, None, failed=True, unanswered=False)
    assert [each.line for each in resending.records(made, lambda size: None)] == [line(2), line(3)]


def test_nothing_chosen_is_refused(job: BatchJob) -> None:
    with pytest.raises(UserError, match="Choose what to send again"):
        resending.start(job, None, failed=False, unanswered=False)


def test_nothing_left_to_send_is_said(ended: Callable[..., BatchJob]) -> None:
    done = ended("done", [line(0)], [outcome(0, "zero")])
    made = resending.start(done, None, failed=True, unanswered=True)
    making.run(made)
    made.refresh_from_db()
    assert made.state == MadeInput.State.FAILED
    assert "No record of this job is left" in str(made.error)


def test_the_form_opens_with_the_new_input_and_says_what_it_resends(job: BatchJob) -> None:
    made = resending.start(job, None, failed=True, unanswered=False)
    assert made.form_fields == {
        "clone": job.pk,
        "resend_of": job.pk,
        "input_s3_uri": made.output_s3_uri,
        "model_invocation_type": "Converse",
    }


def test_unanswered_records_are_listed_from_the_input(job: BatchJob) -> None:
    page = results.read_unanswered(job, 1, size=10)
    assert [(row.record.record_id, row.record.question) for row in page.rows] == [
        ("r4", "Question 4"),
        ("r5", "Question 5"),
    ]


def test_records_are_found_by_id_and_by_text(job: BatchJob) -> None:
    assert [row.record.record_id for row in results.find_records(job, "r3")] == ["r3"]
    assert [row.record.record_id for row in results.find_records(job, "QUESTION 1")] == ["r1"]


def test_job_and_resend_join_into_one_row_a_record(job: BatchJob, ended: Callable[..., BatchJob]) -> None:
    again = [outcome(2, "two"), outcome(4, "four"), outcome(3, "")]
    ended("second", [line(number) for number in (2, 3, 4, 5)], again, resend_of=job)
    rows = {
        row.record.record_id: (row.outcome, row.record.answer, row.run)
        for row in resending.joined(job, with_resends=True)
    }
    assert rows == {
        "r0": (Outcome.ANSWERED, "zero", 0),
        "r1": (Outcome.ANSWERED, "one", 0),
        "r2": (Outcome.ANSWERED, "two", 1),
        "r3": (Outcome.FAILED, "", 1),
        "r4": (Outcome.ANSWERED, "four", 1),
        "r5": (Outcome.UNANSWERED, "", 0),
    }


def test_without_resends_the_job_stands_alone(job: BatchJob, ended: Callable[..., BatchJob]) -> None:
    ended("third", [line(2)], [outcome(2, "two")], resend_of=job)
    assert {row.run for row in resending.joined(job, with_resends=False)} == {0}
