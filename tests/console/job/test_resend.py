"""Resending from the browser: what is asked, what is refused, and all records as a file."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pyarrow import parquet

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Connection, MadeInput, ModelLimit
from batchconsole.jobs.outputs import resending, results
from tests.console.conftest import MakeJob, arn

BUCKET = "resend-pages"


def line(record_id: str, **outcome: Any) -> bytes:
    body = {"messages": [{"role": "user", "content": [{"text": f"About {record_id}"}]}]}
    return json.dumps({"recordId": record_id, "modelInput": body, **outcome}).encode() + b"\n"


def answered(record_id: str) -> bytes:
    message = {"role": "assistant", "content": [{"text": "Fine."}]}
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
    return line(record_id, modelOutput={"output": {"message": message}, "stopReason": "end_turn", "usage": usage})


@pytest.fixture
def job(aws_endpoint: str, boto: Callable[[str], Any], connection: Connection, make_job: MakeJob) -> BatchJob:
    """A stopped job of three records: one answered, one failed, one never answered."""
    Connection.objects.update(endpoint_url=aws_endpoint)
    connection.refresh_from_db()
    boto("s3").create_bucket(Bucket=BUCKET)
    job = make_job(
        "triage",
        "Stopped",
        job_arn=arn(),
        input_s3_uri=f"s3://{BUCKET}/in.jsonl",
        output_s3_uri=f"s3://{BUCKET}/out/",
        results="pending",
    )
    refused = line("b", error={"errorCode": 400, "errorMessage": "No."})
    s3.put_object(connection.target, BUCKET, "in.jsonl", line("a") + line("b") + line("c"))
    s3.put_object(connection.target, BUCKET, f"out/{job.aws_id}/in.jsonl.out", answered("a") + refused)
    results.collect_results(job)
    return job


def resend_url(job: BatchJob) -> str:
    return f"/local/jobs/{job.pk}/resend/"


def exported(client: Client, job: BatchJob, kind: str) -> bytes:
    answer = client.get(f"/local/jobs/{job.pk}/results.{kind}")
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined] # the stubs know only that it answers


def test_it_works(client: Client, job: BatchJob) -> None:
    page = client.get(resend_url(job)).content.decode()
    assert "Failed records (1)" in page
    assert "Unanswered records (1)" in page


def test_unanswered_records_can_be_listed(client: Client, job: BatchJob) -> None:
    page = client.get(f"/local/jobs/{job.pk}/?tab=results&only=unanswered").content.decode()
    assert "About c" in page
    assert "About a" not in page


def test_the_least_is_what_an_administrator_says(client: Client, job: BatchJob) -> None:
    ModelLimit.objects.create(connection=job.connection, model_id=job.model_id, min_records_per_job=2)
    assert "Fewer than" not in client.get(resend_url(job)).content.decode()
    ModelLimit.objects.update(min_records_per_job=7)
    assert "Fewer than 7 records" in client.get(resend_url(job)).content.decode()


def test_fewer_than_a_hundred_are_warned_of(client: Client, job: BatchJob) -> None:
    assert "Fewer than 100 records" in client.get(resend_url(job)).content.decode()


def test_a_small_resend_leads_straight_to_the_form(client: Client, job: BatchJob) -> None:
    answer = client.post(resend_url(job), {"outcomes": ["failed", "unanswered"]}, follow=True)
    url = answer.redirect_chain[0][0]
    assert url.startswith(f"/local/jobs/create/?clone={job.pk}&resend_of={job.pk}&input_s3_uri=")
    assert 'value="triage-resend-2"' in answer.text
    assert "2 records were written to" in answer.text


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is resent is too large to be read while the page waits."""
    monkeypatch.setattr(resending, "AT_ONCE_BYTES", 0)


@pytest.mark.usefixtures("large")
def test_the_choice_leads_to_the_page_that_follows_the_worker(client: Client, job: BatchJob) -> None:
    answer = client.post(resend_url(job), {"outcomes": ["failed", "unanswered"], "pad": "1"})
    made = MadeInput.objects.get()
    assert answer.headers["Location"] == made.get_absolute_url()
    assert (made.resends_failed, made.resends_unanswered, made.resends_at_least) == (True, True, 100)


TOKEN = "0123456789abcdef" * 2


def test_a_button_pressed_twice_makes_one_input(client: Client, job: BatchJob) -> None:
    sent = {"outcomes": ["failed"], "request_token": TOKEN}
    answers = [client.post(resend_url(job), sent) for _ in range(2)]
    assert MadeInput.objects.count() == len({answer.headers["Location"] for answer in answers}) == 1


def test_gone_back_and_changed_it_makes_another_input(client: Client, job: BatchJob) -> None:
    for outcome in ("failed", "unanswered"):
        client.post(resend_url(job), {"outcomes": [outcome], "request_token": TOKEN})
    assert MadeInput.objects.count() == 2


def test_each_form_that_is_opened_has_a_token_of_its_own(client: Client, job: BatchJob) -> None:
    tokens = {
        re.findall('name="request_token" value="([0-9a-f]{32})"', client.get(resend_url(job)).text)[0] for _ in "ab"
    }
    assert len(tokens) == 2


def test_nothing_chosen_is_said_on_the_page(client: Client, job: BatchJob) -> None:
    answer = client.post(resend_url(job), {})
    assert answer.status_code == 422
    assert "Choose the records to resend." in answer.content.decode()


def test_a_job_without_results_cannot_be_resent(client: Client, make_job: MakeJob) -> None:
    answer = client.post(resend_url(make_job("running", "InProgress")), {"outcomes": ["failed"]})
    assert "The results of this job have not been read." in answer.content.decode()


def test_the_form_opened_by_a_resend_remembers_it(client: Client, job: BatchJob) -> None:
    page = client.get(f"/local/jobs/create/?clone={job.pk}&resend_of={job.pk}").content.decode()
    assert f'name="resend_of" value="{job.pk}"' in page


def test_json_lines_have_a_row_for_each_record(client: Client, job: BatchJob) -> None:
    rows = [json.loads(each) for each in exported(client, job, "jsonl").splitlines()]
    assert {row["record_id"]: row["outcome"] for row in rows} == {"a": "answered", "b": "failed", "c": "unanswered"}


def test_csv_has_a_header_and_a_row_for_each_record(client: Client, job: BatchJob) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(client, job, "csv").decode())))
    assert [row["answer"] for row in rows] == ["Fine.", "", ""]


def test_parquet_can_be_read_by_others(client: Client, job: BatchJob) -> None:
    table = parquet.read_table(io.BytesIO(exported(client, job, "parquet")))
    assert table.column("record_id").to_pylist() == ["a", "b", "c"]


def test_output_that_is_gone_is_said_and_no_file_begun(client: Client, job: BatchJob, boto: Any) -> None:
    boto("s3").delete_object(Bucket=BUCKET, Key=f"out/{job.aws_id}/in.jsonl.out")
    answer = client.get(f"/local/jobs/{job.pk}/results.csv", follow=True)
    assert "does not exist" in answer.content.decode() or "NoSuchKey" in answer.content.decode()


def test_an_unknown_format_is_not_found(client: Client, job: BatchJob) -> None:
    assert client.get(f"/local/jobs/{job.pk}/results.xlsx").status_code == 404


@pytest.fixture
def other(make_job: MakeJob) -> BatchJob:
    """Another job for the same model with failed records."""
    counts = {"total_record_count": 500, "error_record_count": 12}
    return make_job("nightly", "Completed", job_arn=arn("nightly00000"), results="ready", **counts)


def test_other_jobs_are_offered_and_taken_along(client: Client, job: BatchJob, other: BatchJob) -> None:
    page = client.get(resend_url(job)).content.decode()
    assert "nightly" in page
    assert "Completed with errors: 12 of 500" in page
    client.post(resend_url(job), {"outcomes": ["failed"], "merges": [other.pk]})
    made = MadeInput.objects.get()
    assert list(made.merges.all()) == [other]
    assert made.output_s3_uri.endswith("/")


def test_a_choice_that_is_not_offered_is_left_out(client: Client, job: BatchJob, make_job: MakeJob) -> None:
    good = make_job("good", "Completed", job_arn=arn("good00000000"), results="ready")
    client.post(resend_url(job), {"outcomes": ["failed"], "merges": [good.pk, "nonsense", "²"]})
    assert list(MadeInput.objects.get().merges.all()) == []


@pytest.fixture
def many(make_job: MakeJob) -> list[BatchJob]:
    """More jobs that could go along than the page lists, the oldest first."""
    fields = {"results": "ready", "total_record_count": 500, "error_record_count": 12}
    names = ["oldest", *(f"nightly-{number:02}" for number in range(24))]
    return [make_job(name, "Completed", job_arn=arn(f"{number:012}"), **fields) for number, name in enumerate(names)]


def listed(text: str) -> list[str]:
    """The other jobs that the page offers, a picked one with a star."""
    rows = re.findall(r'name="merges" value="\d+"( checked)?> <span>([^<]+)', text)
    return [f"{name}*" if picked else name for picked, name in rows]


def test_the_newest_other_jobs_are_offered_and_all_are_counted(
    client: Client, job: BatchJob, many: list[BatchJob]
) -> None:
    text = client.get(resend_url(job)).text
    assert listed(text)[::19] == ["nightly-23", "nightly-04"]
    assert "25 jobs, the newest 20 are shown" in text


@pytest.mark.parametrize("text", ["OLDE", arn("000000000000"), "000000000000"])
def test_another_job_is_found_by_its_name_its_arn_or_its_id(
    client: Client, job: BatchJob, many: list[BatchJob], text: str
) -> None:
    page = client.post(resend_url(job), {"search": "1", "find": text}).text
    assert listed(page) == ["oldest"]
    assert "1 match" in page


def test_what_was_picked_stays_whatever_is_looked_for(client: Client, job: BatchJob, many: list[BatchJob]) -> None:
    picked = {"search": "1", "merges": [many[0].pk], "outcomes": ["failed"]}
    page = client.post(resend_url(job), picked | {"find": "nightly-07"}).text
    assert listed(page) == ["oldest*", "nightly-07"]
    assert 'value="failed" checked' in page
    assert 'value="unanswered" checked' not in page
    assert 'name="pad" value="1">' in page
    assert listed(client.post(resend_url(job), picked | {"find": "nobody"}).text) == ["oldest*"]
    assert not MadeInput.objects.exists()


def test_an_old_job_that_was_picked_goes_along(client: Client, job: BatchJob, many: list[BatchJob]) -> None:
    client.post(resend_url(job), {"outcomes": ["failed"], "merges": [many[0].pk]})
    assert list(MadeInput.objects.get().merges.all()) == [many[0]]


def test_what_was_chosen_is_kept_when_it_is_refused(client: Client, job: BatchJob, many: list[BatchJob]) -> None:
    page = client.post(resend_url(job), {"merges": [many[3].pk]}).text
    assert listed(page)[0] == "nightly-02*"
    assert 'value="failed" checked' not in page


def test_asked_by_script_the_search_answers_with_the_jobs_only(
    client: Client, job: BatchJob, many: list[BatchJob]
) -> None:
    answer = client.post(resend_url(job), {"search": "1", "find": "none"}, headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert "No matches" in answer.text
    assert 'hx-swap-oob="innerHTML:#live-status">0 matches' in answer.text


def test_both_jobs_show_what_resends_them(client: Client, job: BatchJob, other: BatchJob, make_job: MakeJob) -> None:
    together = make_job("together", "InProgress", resend_of=job)
    together.merges.set([other])
    for each in (job, other):
        assert "together" in client.get(each.get_absolute_url()).content.decode()
    page = client.get(together.get_absolute_url()).content.decode()
    assert "triage" in page
    assert "nightly" in page
