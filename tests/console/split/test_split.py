"""Splitting from the create form, and the page that follows the parts and joins their answers."""

from typing import Any

import msgspec
import pytest
from django.test import Client

from batchconsole.aws import s3
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.models import BatchJob, Connection, InputCheck, InputSplit, ModelLimit, ResultIndex
from batchconsole.jobs.models.job import new_client_request_token
from batchconsole.records import report as reports
from batchconsole.records.index import Index
from batchconsole.records.report import Problem, Report
from batchconsole.records.results import Totals
from tests.console.conftest import MODEL, MakeJob, arn, filled_in
from tests.jobs.conftest import converse_lines

CREATE = "/local/jobs/create/"


def checked(connection: Connection, bucket: str, *, records: int = 10, **fields: Any) -> InputCheck:
    """A finished check of an input with so many records."""
    problem = Problem(code="too-many-records", severity="error", message="There are more records.", count=1)
    report = Report(
        model_id=MODEL, invocation_type="Converse", records=records, bytes=1_000, problems=[problem] * (records > 4)
    )
    values = {"input_s3_uri": f"s3://{bucket}/input/", "model_id": MODEL, "model_invocation_type": "Converse"}
    done = {"state": "done", "due_at": None, "report_json": reports.encode(report).decode()}
    check: InputCheck = InputCheck.objects.create(connection=connection, **values, **done, **fields)
    return check


@pytest.fixture
def four(db: None) -> None:
    """A job for the model takes four records."""
    ModelLimit.objects.create(model_id=MODEL, records_per_job=4, min_records_per_job=1)


def test_a_check_offers_to_split_where_the_form_is(client: Client, connection: Connection, four: None) -> None:
    check = checked(connection, "b")
    panel = client.get(f"/local/input-checks/{check.pk}/?in_form=1", headers={"X-Part": "true"}).text
    assert f'<button class="button" type="submit" name="split" value="{check.pk}">Split into 3 jobs</button>' in panel
    page = client.get(f"/local/input-checks/{check.pk}/").text
    assert f"input_check={check.pk}#split-offer" in page
    assert 'name="split"' not in page


def test_what_fits_is_not_offered_to_be_split(client: Client, connection: Connection, four: None) -> None:
    check = checked(connection, "b", records=4)
    assert "split-offer" not in client.get(f"/local/input-checks/{check.pk}/").text


def test_a_rejected_job_leads_to_its_form_with_the_offer(
    client: Client, connection: Connection, make_job: MakeJob, four: None
) -> None:
    check = checked(connection, "prompts")
    job = make_job("too-many", "Rejected", check_input=True, input_check=check, model_id=MODEL)
    link = f"{CREATE}?correct={job.pk}&amp;input_check={check.pk}"
    assert f'href="{link}#split-offer"' in client.get(f"/local/jobs/{job.pk}/").text
    form = client.get(link.replace("&amp;", "&")).text
    assert "Split into 3 jobs</button>" in form
    assert 'value="too-many"' in form


def test_the_form_splits_instead_of_creating_one_job(
    client: Client, local: Connection, bucket: str, role_arn: str, four: None
) -> None:
    s3.put_object(local.target, bucket, "input/records.jsonl", converse_lines(10))
    check = checked(local, bucket)
    values = filled_in(bucket, role_arn=role_arn, request_token=new_client_request_token(), split=check.pk)
    answers = [client.post(CREATE, values) for _ in range(2)]
    split = InputSplit.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/local/splits/{split.pk}/"] * 2
    assert not BatchJob.objects.exists()
    assert "Waiting for a worker" in client.get(split.get_absolute_url()).text
    splitting.split_input(split)
    shown = client.get(split.get_absolute_url()).text
    for number in (1, 2, 3):
        assert f"support-triage-{number}-of-3</a>" in shown
    job = BatchJob.objects.get(job_name="support-triage-2-of-3")
    assert f'href="{split.get_absolute_url()}"' in client.get(job.get_absolute_url() + "?tab=details").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_invocation_type": "InvokeModel"}, "The input, its model or its format is not what was checked."),
        ({"split": "9" * 50}, "The input, its model or its format is not what was checked."),
        ({"job_name": ""}, "Job name is required."),
    ],
)
def test_what_the_check_does_not_offer_is_refused_in_the_form(
    changes: dict[str, Any], words: str, client: Client, local: Connection, bucket: str, role_arn: str, four: None
) -> None:
    check = checked(local, bucket)
    values = filled_in(bucket, role_arn=role_arn, **{"split": check.pk, **changes})
    assert words in client.post(CREATE, values).text
    assert not InputSplit.objects.exists()


@pytest.fixture
def split(connection: Connection, make_job: MakeJob) -> InputSplit:
    """A split whose two jobs have ended, the second without results."""
    asked = make_job("reviews", "Rejected").request.as_fields()
    made: InputSplit = InputSplit.objects.create(
        connection=connection, request_json=asked, state="done", due_at=None, records=9
    )
    counts = {"total_record_count": 4, "processed_record_count": 4, "error_record_count": 1, "cost_usd": "1.25"}
    first = make_job("reviews-1-of-2", "Completed", job_arn=arn("a" * 12), results="ready", **counts)
    second = make_job("reviews-2-of-2", "Failed", job_arn=arn("b" * 12))
    ResultIndex.objects.create(job=first, totals_json=msgspec.json.encode(Totals()).decode(), packed=Index().pack())
    for number, job in enumerate((first, second), 1):
        made.parts.create(number=number, input_s3_uri="s3://b/p/", records=4, is_written=True, job=job)
    return made


def test_one_page_sums_the_parts_up_and_offers_their_answers(client: Client, split: InputSplit) -> None:
    shown = client.get(split.get_absolute_url()).text
    for words in (
        "4 of 9, 1 with errors",
        "$1.25",
        "so far",
        "1 job without",
        "All jobs ended, 1 without results",
    ):
        assert words in shown
    assert f"{split.get_absolute_url()}results.csv" in shown
    assert "data-busy" not in shown


def test_parts_without_jobs_are_shown_as_planned(client: Client, split: InputSplit) -> None:
    InputSplit.objects.update(state="running")
    split.parts.update(job=None)
    split.parts.filter(number=2).update(is_written=False)
    shown = client.get(split.get_absolute_url()).text
    assert "Written" in shown
    assert "To be written" in shown


def test_the_answers_are_offered_once_all_jobs_have_ended(client: Client, split: InputSplit) -> None:
    BatchJob.objects.filter(job_name="reviews-2-of-2").update(status="InProgress")
    shown = client.get(split.get_absolute_url()).text
    assert "1 of 2 jobs ended" in shown
    assert "results.csv" not in shown
    assert client.get(f"{split.get_absolute_url()}results.csv").status_code == 404


def test_a_file_that_cannot_be_read_is_said_on_the_page(client: Client, split: InputSplit) -> None:
    answer = client.get(f"{split.get_absolute_url()}results.csv", follow=True)
    assert answer.redirect_chain[-1][0] == split.get_absolute_url()
    assert "Could not connect" in answer.text


@pytest.mark.parametrize(("state", "verb", "after"), [("queued", "cancel", "cancelled"), ("failed", "retry", "queued")])
def test_it_is_cancelled_and_tried_again(state: str, verb: str, after: str, client: Client, split: InputSplit) -> None:
    error = {"message": "No.", "hint": "", "code": ""}
    InputSplit.objects.update(state=state, error=error if state == "failed" else None)
    assert f"/{verb}/" in client.get(split.get_absolute_url()).text
    client.post(f"{split.get_absolute_url()}{verb}/")
    assert InputSplit.objects.get().state == after
    assert "ended already" in client.post(f"{split.get_absolute_url()}cancel/", follow=True).text or after == "queued"
