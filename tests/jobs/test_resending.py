"""Sending again what failed or was never answered, and both runs read as one; against the local stack."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs import lifecycle
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs import making
from batchconsole.jobs.models import BatchJob, Connection, MadeInput, ResultIndex, Status
from batchconsole.jobs.outputs import resending, result_pages, results
from batchconsole.records.retry import Outcome
from batchconsole.records.selecting import Wanted
from tests.conftest import ACCOUNT
from tests.jobs.conftest import held, make_job

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
    bucket = f"resending-{uuid4().hex[:12]}"
    boto("s3").create_bucket(Bucket=bucket)

    def make(job_id: str, inputs: list[bytes], outputs: list[bytes], **fields: Any) -> BatchJob:
        s3.put_object(connection.target, bucket, f"{job_id}/in.jsonl", b"".join(inputs))
        s3.put_object(connection.target, bucket, f"out/{job_id}/in.jsonl.out", b"".join(outputs))
        job: BatchJob = BatchJob.objects.create(
            connection=connection,
            job_name=f"job-{job_id}",
            status=Status.STOPPED,
            model_id="amazon.nova-micro-v1:0",
            model_invocation_type="Converse",
            input_s3_uri=f"s3://{bucket}/{job_id}/in.jsonl",
            output_s3_uri=f"s3://{bucket}/out/",
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/batch",
            job_arn=f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/{job_id:0>12}",
            results=BatchJob.Results.PENDING,
            **fields,
        )
        s3.put_object(connection.target, bucket, f"out/{job.aws_id}/in.jsonl.out", b"".join(outputs))
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
    made = resending.start_resend(job, None, **choice)
    making.make_input(made)
    made.refresh_from_db()
    assert made.state == MadeInput.State.DONE, made.error
    bucket, key = parse_s3_uri(made.output_s3_uri)
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
    made = resending.start_resend(job, None, failed=True, unanswered=False)
    found = resending.objects(made, held(making.make_input, made), read=lambda size: None)
    written = [(uri, [each.line for each in records]) for uri, records in found]
    assert written == [(made.output_s3_uri, [line(2), line(3)])]


def test_nothing_chosen_is_refused(job: BatchJob) -> None:
    with pytest.raises(UserError, match="Choose the records to resend"):
        resending.start_resend(job, None, failed=False, unanswered=False)


def test_nothing_left_to_send_is_said(ended: Callable[..., BatchJob]) -> None:
    done = ended("done", [line(0)], [outcome(0, "zero")])
    made = resending.start_resend(done, None, failed=True, unanswered=True)
    making.make_input(made)
    made.refresh_from_db()
    assert made.state == MadeInput.State.FAILED
    assert "No records left" in str(made.error)


def test_results_that_retention_deleted_are_read_again_first(job: BatchJob) -> None:
    made = resending.start_resend(job, None, failed=True, unanswered=True)
    ResultIndex.objects.all().delete()
    making.make_input(made)
    made.refresh_from_db()
    assert (made.error or {})["message"] == "The results of the job job-first are not kept any more."
    assert "Read again" in (made.error or {})["hint"]
    with pytest.raises(UserError, match="not kept any more"):
        resending.schema_fields(job, with_resends=False)


def test_the_form_opens_with_the_new_input_and_says_what_it_resends(job: BatchJob) -> None:
    made = resending.start_resend(job, None, failed=True, unanswered=False)
    assert made.form_fields == {
        "clone": job.pk,
        "resend_of": job.pk,
        "input_s3_uri": made.output_s3_uri,
        "model_invocation_type": "Converse",
    }


def test_unanswered_records_are_listed_from_the_input(job: BatchJob) -> None:
    page = result_pages.read_unanswered(job, 1, size=10)
    assert [(row.record.record_id, row.record.question) for row in page.rows] == [
        ("r4", "Question 4"),
        ("r5", "Question 5"),
    ]


def test_records_are_found_by_id_and_by_text(job: BatchJob) -> None:
    assert [row.record.record_id for row in result_pages.find_records(job, "r3").rows] == ["r3"]
    assert [row.record.record_id for row in result_pages.find_records(job, "QUESTION 1").rows] == ["r1"]


def test_a_search_goes_on_where_it_stopped(job: BatchJob) -> None:
    first = result_pages.find_records(job, "question", at_most=3)
    assert ([row.position for row in first.rows], first.next) == ([0, 1, 2], 3)
    second = result_pages.find_records(job, "question", since=3, at_most=3)
    assert ([row.position for row in second.rows], second.next) == ([3], None)
    assert result_pages.find_records(job, "question", since=99).rows == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(only="errors"), ["r3", "r2"]),
        (Wanted(only="unanswered"), ["r4", "r5"]),
        (Wanted(stop="end_turn"), ["r1", "r0"]),
        (Wanted(only="errors", stop="end_turn"), []),
    ],
)
def test_a_text_is_looked_for_among_the_records_wanted(job: BatchJob, wanted: Wanted, found: list[str]) -> None:
    rows = result_pages.find_records(job, "question", wanted=wanted).rows
    assert [row.record.record_id for row in rows] == found


def test_what_is_unanswered_is_not_found_by_words_of_the_console(job: BatchJob) -> None:
    assert result_pages.find_records(job, "no output", wanted=Wanted(only="unanswered")).rows == []


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


def test_answers_of_a_resend_are_read_only_where_the_connection_allows_it(
    job: BatchJob, ended: Callable[..., BatchJob]
) -> None:
    resent = ended("second", [line(2)], [outcome(2, "two")], resend_of=job)
    BatchJob.objects.filter(pk=resent.pk).update(output_s3_uri="s3://elsewhere/out/")
    allowed = [job.output_s3_uri]
    Connection.objects.update(input_prefixes=allowed, output_prefixes=allowed, upload_prefixes=allowed)
    job = BatchJob.objects.get(pk=job.pk)
    assert len(list(resending.joined(job, with_resends=False))) == RECORDS
    with pytest.raises(NotAllowed, match="allows read only in"):
        resending.joined(job, with_resends=True)


def test_without_resends_the_job_stands_alone(job: BatchJob, ended: Callable[..., BatchJob]) -> None:
    ended("third", [line(2)], [outcome(2, "two")], resend_of=job)
    assert {row.run for row in resending.joined(job, with_resends=False)} == {0}


@pytest.fixture
def other(ended: Callable[..., BatchJob]) -> BatchJob:
    """Another job with the same ids and other questions: r2 failed, r3 answered, r4 never answered."""
    lines = [other_line(number) for number in (2, 3, 4)]
    refused = {**json.loads(lines[0]), "error": {"errorCode": 400, "errorMessage": "No."}}
    answered = {**json.loads(lines[1]), "modelOutput": json.loads(outcome(3, "theirs"))["modelOutput"]}
    return ended("other", lines, [json.dumps(each).encode() + b"\n" for each in (refused, answered)])


def other_line(number: int) -> bytes:
    return line(number).replace(b"Question", b"Other question")


def merged(job: BatchJob, *others: BatchJob, **choice: Any) -> MadeInput:
    """The input that holds what *job* and *others* left without an answer."""
    made = resending.start_resend(job, None, failed=True, unanswered=True, merges=others, **choice)
    making.make_input(made)
    made.refresh_from_db()
    assert made.state == MadeInput.State.DONE, made.error
    return made


def files_at(made: MadeInput) -> dict[str, list[str]]:
    """What lies in the folder of *made*: the question of each record by file."""
    target, (bucket, folder) = made.connection.target, parse_s3_uri(made.output_s3_uri)
    return {
        item.key.removeprefix(folder): [
            json.loads(each)["modelInput"]["messages"][0]["content"][0]["text"]
            for each in s3.get_range(target, bucket, item.key).splitlines()
        ]
        for item in s3.iter_objects(target, bucket, folder)
    }


def test_records_of_another_job_go_along_in_a_file_of_their_own(job: BatchJob, other: BatchJob) -> None:
    assert files_at(merged(job, other)) == {
        f"{job.aws_id}.jsonl": ["Question 2", "Question 3", "Question 4", "Question 5"],
        f"{other.aws_id}.jsonl": ["Other question 2", "Other question 4"],
    }


def test_only_what_the_others_leave_missing_is_filled_up(job: BatchJob, other: BatchJob) -> None:
    files = files_at(merged(job, other, at_least=7))
    assert sum(map(len, files.values())) == 7
    assert "Question 0" in files[f"{job.aws_id}.jsonl"]


def test_jobs_for_the_same_model_can_be_merged_but_not_those_of_one_family(
    job: BatchJob, other: BatchJob, ended: Callable[..., BatchJob]
) -> None:
    again = ended("again", [line(2)], [outcome(2, "")], resend_of=job)
    assert list(resending.mergeable(job)) == [other]
    assert list(resending.mergeable(again)) == [other]
    BatchJob.objects.filter(pk=other.pk).update(base_model_id="another")
    assert list(resending.mergeable(job)) == []


@pytest.fixture
def together(job: BatchJob, other: BatchJob, person: User) -> BatchJob:
    """A job that resends *job* and *other*, which answered all but r5 and the other r4."""
    made = merged(job, other)
    asked = replace(job.request, input_s3_uri=made.output_s3_uri, client_request_token="")
    again = lifecycle.create_job(connection=job.connection, actor=person, request=asked, resend_of=job)
    again.status, again.results = Status.STOPPED, BatchJob.Results.PENDING
    again.job_arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/together0000"
    again.save()
    theirs = json.loads(other_line(2)) | {"modelOutput": json.loads(outcome(2, "their two"))["modelOutput"]}
    for source, lines in (
        (job, [outcome(2, "two"), outcome(3, "three"), outcome(4, "four")]),
        (other, [json.dumps(theirs).encode() + b"\n"]),
    ):
        bucket, _ = parse_s3_uri(job.output_s3_uri)
        key = f"out/{again.aws_id}/{source.aws_id}.jsonl.out"
        s3.put_object(job.connection.target, bucket, key, b"".join(lines))
    results.collect_results(again)
    return again


def answers(job: BatchJob) -> dict[str, str]:
    return {row.record.record_id: row.record.answer for row in resending.joined(job, with_resends=True)}


def test_each_merged_job_joins_with_its_own_answers(together: BatchJob, job: BatchJob, other: BatchJob) -> None:
    assert answers(job) == {"r0": "zero", "r1": "one", "r2": "two", "r3": "three", "r4": "four", "r5": ""}
    assert answers(other) == {"r2": "their two", "r3": "theirs", "r4": ""}


def test_a_merged_job_knows_all_it_resends_and_they_know_it(together: BatchJob, job: BatchJob, other: BatchJob) -> None:
    assert (together.resend_of, list(together.merges.all())) == (job, [other])
    assert list(BatchJob.objects.resends_of([other])) == [together]


def test_a_resend_of_a_merged_job_keeps_its_files_apart(together: BatchJob, job: BatchJob, other: BatchJob) -> None:
    made = merged(together)
    assert files_at(made) == {
        f"{job.aws_id}.jsonl": ["Question 5"],
        f"{other.aws_id}.jsonl": ["Other question 4"],
    }


def test_what_was_resent_is_looked_up_and_not_searched_for(connection: Connection) -> None:
    """A plan that scans the table would take longer with every job there is."""
    plan = BatchJob.objects.resends_of([make_job(connection)]).explain()
    assert "SCAN jobs_batchjob" not in plan
