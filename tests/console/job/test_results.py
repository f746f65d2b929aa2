"""The results and errors tabs, over real output in S3: pages, errors by message, one record, and S3 failing."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Connection, MadeInput
from batchconsole.jobs.outputs import results
from tests.console.conftest import NOBODY, Answer, MakeJob, arn


def line(number: int) -> bytes:
    """Every fifth record failed."""
    answered = {
        "output": {"message": {"role": "assistant", "content": [{"text": f"Answer <b>{number}</b>"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13},
    }
    asked = {"messages": [{"role": "user", "content": [{"text": f"Question {number}?"}]}]}
    error = {"errorCode": 400, "errorMessage": f"max_tokens: {number} is too much"}
    outcome: dict[str, Any] = {"modelOutput": answered} if number % 5 else {"error": error}
    return json.dumps({"recordId": f"rec-{number}", "modelInput": asked, **outcome}).encode() + b"\n"


@pytest.fixture
def job(connection: Connection, make_job: MakeJob, aws_endpoint: str) -> BatchJob:
    """A job with 25 records of output that has been read; five of them failed."""
    connection.endpoint_url = aws_endpoint
    connection.save()
    bucket = f"output-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, bucket)
    job = make_job(
        connection=connection,
        output_s3_uri=f"s3://{bucket}/output/",
        job_arn=arn(),
        results="pending",
        due_at=timezone.now(),
    )
    folder = results.output_folder(job)[1]
    s3.put_object(connection.target, bucket, f"{folder}in.jsonl.out", b"".join(map(line, range(1, 26))))
    results.collect_results(job)
    return job


def tab(client: Client, job: BatchJob, name: str = "results", **query: str) -> Answer:
    return client.get(job.get_absolute_url(), {"tab": name, **query})


def test_question_and_answer_stand_side_by_side(client: Client, job: BatchJob) -> None:
    text = tab(client, job).text
    for part in (
        "rec-1",
        "Question 1?",
        "Answer &lt;b&gt;1&lt;/b&gt;",
        "10 input tokens, 3 output tokens",
        "Stop reason: end_turn",
    ):
        assert part in text


def test_a_failed_record_shows_its_error(client: Client, job: BatchJob) -> None:
    text = tab(client, job).text
    assert "Error 400" in text
    assert "max_tokens: 5 is too much" in text


def test_pages_follow_each_other(client: Client, job: BatchJob) -> None:
    assert "Question 21?" in tab(client, job, page="3").text
    assert "Question 21?" in tab(client, job, page="99").text
    assert "Question 1?" in tab(client, job, page="nonsense").text


def test_only_records_with_errors_can_be_shown(client: Client, job: BatchJob) -> None:
    text = tab(client, job, only="errors").text
    assert text.count('class="record"') == 5
    assert "Answer" not in text


def test_a_record_is_found_by_its_id(client: Client, job: BatchJob) -> None:
    text = tab(client, job, find=" rec-17 ").text
    assert text.count('class="record"') == 1
    assert "Question 17?" in text


def test_records_are_found_by_a_text(client: Client, job: BatchJob) -> None:
    text = tab(client, job, find="question 17").text
    assert text.count('class="record"') == 1
    assert "1 match." in text


def test_a_text_that_no_record_has_is_said(client: Client, job: BatchJob) -> None:
    assert "We can't find a match for &lt;nobody&gt;." in tab(client, job, find="<nobody>").text


def test_a_search_keeps_to_the_records_that_are_shown(client: Client, job: BatchJob) -> None:
    text = tab(client, job, find="question", only="errors").text
    assert "5 matches." in text
    assert '<input type="hidden" name="only" value="errors">' in text
    assert "1 match." in tab(client, job, find="question 17", stop="end_turn").text


def test_a_search_with_many_matches_goes_on_behind_the_last(
    client: Client, job: BatchJob, connection: Connection
) -> None:
    bucket, folder = results.output_folder(job)
    s3.put_object(connection.target, bucket, f"{folder}in.jsonl.out", b"".join(map(line, range(1, 61))))
    BatchJob.objects.update(results="pending", due_at=timezone.now())
    job.refresh_from_db()
    results.collect_results(job)
    text = tab(client, job, find="question").text
    assert "50 matches up to record 50 of 60." in text
    assert 'href="?tab=results&amp;find=question&amp;since=50"' in text
    assert "10 more matches." in tab(client, job, find="question", since="50").text


def test_unanswered_records_are_not_offered_when_there_are_none(client: Client, job: BatchJob) -> None:
    assert "Unanswered" not in tab(client, job).text


def test_errors_are_counted_by_message_with_links_to_examples(client: Client, job: BatchJob) -> None:
    text = tab(client, job, "errors").text
    assert "5 of 25 records failed." in text
    assert text.count("is too much</th>") == 1
    assert f"{job.get_absolute_url()}records/4/" in text


def test_the_page_says_why_most_records_failed(client: Client, job: BatchJob) -> None:
    text = client.get(job.get_absolute_url()).text
    reason = text[text.index('id="job-errors-reason"') :]
    assert "Completed with errors: 5 of 25" in reason
    assert "Most frequent error (5 records): max_tokens:" in reason


def test_the_raw_record_is_a_page_and_a_dialog(client: Client, job: BatchJob) -> None:
    url = f"{job.get_absolute_url()}records/0/"
    assert "&quot;recordId&quot;: &quot;rec-1&quot;" in client.get(url).text
    assert "<html" not in client.get(url, headers={"HX-Request": "true"}).text


def test_a_position_past_the_end_is_not_found(client: Client, job: BatchJob) -> None:
    assert client.get(f"{job.get_absolute_url()}records/25/").status_code == 404


def test_the_output_files_are_listed(client: Client, job: BatchJob) -> None:
    text = tab(client, job).text
    assert "in.jsonl.out</a>" in text
    assert f"{job.get_absolute_url()}output/?key=output-" in text


def test_s3_away_is_said_in_place_and_the_page_stays(client: Client, job: BatchJob) -> None:
    Connection.objects.update(endpoint_url=NOBODY)
    response = tab(client, job)
    assert response.status_code == 200
    assert "The records could not be read from S3" in response.text
    assert "in.jsonl.out</a>" in response.text
    assert "could not be read from S3" in client.get(f"{job.get_absolute_url()}records/0/").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "InProgress"}, "when the job has ended"),
        ({"results": "pending"}, "Reading the output"),
        ({"results": "none", "job_arn": arn()}, "ended without output"),
        ({"status": "Cancelled"}, "The job never ran on AWS."),
        ({"results": "failed", "results_error": {"code": "NoOutput", "message": "Gone."}}, "Gone."),
    ],
)
def test_without_results_it_says_why(client: Client, make_job: MakeJob, fields: dict[str, Any], words: str) -> None:
    assert words in tab(client, make_job(**fields)).text


def test_the_output_can_be_read_again(client: Client, make_job: MakeJob) -> None:
    job = make_job(results="failed", job_arn=arn())
    response = client.post(f"{job.get_absolute_url()}results/read/")
    job.refresh_from_db()
    assert response["Location"] == f"{job.get_absolute_url()}?tab=results"
    assert job.results == "pending"


def test_a_job_that_runs_has_nothing_to_read(client: Client, make_job: MakeJob) -> None:
    job = make_job(status="InProgress")
    response = client.post(f"{job.get_absolute_url()}results/read/", follow=True)
    assert "There are no results to read." in response.text


PET = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["age"]}
PETS = ['{"name": "Rex", "age": 5}', '{"name": "Tom", "age": "old"}', '{"name": "Kit", "age": 2}']


def pet_line(number: int, answer: str, *, stop: str = "end_turn") -> bytes:
    structure = {"jsonSchema": {"schema": json.dumps(PET)}}
    asked = {
        "messages": [{"role": "user", "content": [{"text": f"Who is the pet in this story? Story {number}"}]}],
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}},
    }
    answered = {
        "output": {"message": {"role": "assistant", "content": [{"text": answer}]}},
        "stopReason": stop,
        "usage": {"inputTokens": 10, "outputTokens": number + 1},
    }
    return json.dumps({"recordId": f"pet-{number}", "modelInput": asked, "modelOutput": answered}).encode() + b"\n"


@pytest.fixture
def pets(job: BatchJob) -> BatchJob:
    """The job, whose output is now three answers that were to keep to a schema; the second does not. The input lies in
    S3 in the opposite order.
    """
    bucket, folder = results.output_folder(job)
    lines = [pet_line(number, answer) for number, answer in enumerate(PETS)]
    s3.put_object(job.connection.target, bucket, f"{folder}in.jsonl.out", b"".join(lines))
    s3.put_object(job.connection.target, bucket, "in.jsonl", b"".join(reversed(lines)))
    BatchJob.objects.update(results="pending", due_at=timezone.now(), input_s3_uri=f"s3://{bucket}/in.jsonl")
    job.refresh_from_db()
    results.collect_results(job)
    return job


def rows_of(client: Client, job: BatchJob, kind: str = "csv", **query: str) -> list[dict[str, str]]:
    response: Any = client.get(f"{job.get_absolute_url()}results.{kind}", query)
    return list(csv.DictReader(io.StringIO(b"".join(response).decode(), newline="")))


def test_the_tab_says_how_many_answers_match_their_schema(client: Client, pets: BatchJob) -> None:
    text = tab(client, pets).text
    assert "2 of 3" in text
    assert "Does not match the schema" in text
    assert "<code>$.age</code>" in text


@pytest.mark.parametrize(("only", "names"), [("matches", {"Rex", "Kit"}), ("mismatches", {"Tom"})])
def test_records_are_filtered_by_their_schema(client: Client, pets: BatchJob, only: str, names: set[str]) -> None:
    text = tab(client, pets, only=only).text
    assert {name for name in ("Rex", "Tom", "Kit") if name in text} == names
    assert {row["name"] for row in rows_of(client, pets, only=only)} == names


def test_the_table_has_a_column_for_each_field_of_the_schema(client: Client, pets: BatchJob) -> None:
    text = tab(client, pets, view="table").text
    assert '<th scope="col">name</th>' in text
    assert '<th scope="col" class="numeric">age</th>' in text
    assert "Who is the pet in this story? Story <mark>" in text
    assert text.count("Who is the pet in this story?") == 1


@pytest.mark.parametrize(
    ("order", "names"),
    [("", "Rex Tom Kit"), ("input", "Kit Tom Rex"), ("-tokens", "Kit Tom Rex"), ("tokens", "Rex Tom Kit")],
)
def test_the_table_comes_in_the_order_asked_for(client: Client, pets: BatchJob, order: str, names: str) -> None:
    text = tab(client, pets, view="table", order=order).text
    assert sorted(names.split(), key=lambda name: text.index(name)) == names.split()


def test_a_download_comes_in_the_order_of_the_input(client: Client, pets: BatchJob) -> None:
    assert [row["name"] for row in rows_of(client, pets, order="input")] == ["Kit", "Tom", "Rex"]
    assert [row["age"] for row in rows_of(client, pets)] == ["5", "", "2"]


def test_mismatches_are_listed_by_path(client: Client, pets: BatchJob) -> None:
    text = tab(client, pets, "errors").text
    assert "1 of 3 answers do not match" in text
    assert "<code>$.age</code>" in text


def test_the_raw_record_says_where_it_does_not_match(client: Client, pets: BatchJob) -> None:
    assert "<code>$.age</code>" in client.get(f"{pets.get_absolute_url()}records/1/").text


def test_records_a_page_can_be_chosen(client: Client, job: BatchJob) -> None:
    assert tab(client, job, size="20").text.count('class="record"') == 20
    assert tab(client, job, size="7").text.count('class="record"') == 10


def test_records_are_filtered_by_stop_reason(client: Client, job: BatchJob) -> None:
    assert tab(client, job, stop="end_turn", size="50").text.count('class="record"') == 20
    assert "No such records" in tab(client, job, stop="never").text


def test_a_long_text_is_folded_in_the_table(client: Client, job: BatchJob) -> None:
    bucket, folder = results.output_folder(job)
    s3.put_object(job.connection.target, bucket, f"{folder}in.jsonl.out", pet_line(1, "word " * 100))
    BatchJob.objects.update(results="pending", due_at=timezone.now())
    job.refresh_from_db()
    results.collect_results(job)
    assert '<details class="folded">' in tab(client, job, view="table").text


def test_the_table_comes_back_with_its_answers(client: Client, pets: BatchJob) -> None:
    bucket, _ = results.output_folder(pets)
    data = b"id,Answer,word\npet-2,x,=kit\npet-1,y,tom\npet-0,z,rex\n"
    uri = f"s3://{bucket}/pets.csv"
    s3.put_object(pets.connection.target, bucket, "pets.csv", data)
    made = MadeInput.objects.create(
        connection=pets.connection,
        source_name="pets.csv",
        source_size=len(data),
        source_s3_uri=uri,
        source_etag=s3.head_object(pets.connection.target, bucket, "pets.csv").etag,
        kind="csv",
        output_s3_uri=pets.input_s3_uri,
        state="done",
        finished_at=pets.created_at,
    )
    assert "pets.csv with an answer column" in tab(client, pets).text
    response: Any = client.get(f"{pets.get_absolute_url()}table.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode(), newline="")))
    assert [(row["id"], row["Answer"], row["name"], row["age"]) for row in rows] == [
        ("pet-2", "x", "Kit", "2"),
        ("pet-1", "y", "Tom", ""),
        ("pet-0", "z", "Rex", "5"),
    ]
    assert rows[0]["word"] == "'=kit"
    assert json.loads(rows[0]["answer_answer"])["name"] == "Kit"
    made.source_etag = '"other"'
    made.save()
    changed = client.get(f"{pets.get_absolute_url()}table.csv", follow=True)
    assert changed.redirect_chain


def test_a_job_of_other_input_has_no_table(client: Client, job: BatchJob) -> None:
    assert "with an answer column" not in tab(client, job).text
    assert client.get(f"{job.get_absolute_url()}table.csv").status_code == 404
