"""Input checks in the console: started from the form, shown while they run and when they are done, and as CSV."""

import csv
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.models import BatchJob, Connection, InputCheck, Status, Verb
from batchconsole.records import files, preflight, report
from tests.console.conftest import Answer, MakeJob
from tests.jobs.conftest import converse_lines

MODEL = "amazon.nova-micro-v1:0"
HTMX = {"HX-Request": "true"}
START = "/local/input-checks/"
BAD = b'{"recordId": "=bad", "modelInput": {"messages": []}}\n'
ASKED = {"model_id": MODEL, "model_invocation_type": "Converse", "input_s3_uri": "s3://prompts/input/"}
State = InputCheck.State
MakeCheck = Callable[..., InputCheck]


@pytest.fixture
def make_check(connection: Connection) -> MakeCheck:
    """Save a check: waiting, or done with the report on *data*."""

    def make(data: bytes = b"", **fields: Any) -> InputCheck:
        if data:
            found = preflight.check([files.from_bytes("a.jsonl", data)], model_id=MODEL, invocation_type="Converse")
            fields = {
                "state": State.DONE,
                "finished_at": timezone.now(),
                "report_json": report.encode(found).decode(),
                "records": found.records,
                "problems": found.errors + found.warnings,
                **fields,
            }
        return InputCheck.objects.create(connection=connection, **{**ASKED, **fields})

    return make


@pytest.fixture
def bucket(connection: Connection, aws_endpoint: str) -> str:
    """A bucket with 100 records in ``in/``; from here on the connection reaches S3."""
    connection.endpoint_url = aws_endpoint
    connection.save()
    name = f"prompts-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    s3.put_object(connection.target, name, "in/records.jsonl", converse_lines(100))
    return name


def fragment(client: Client, check: InputCheck) -> Answer:
    return client.get(check.get_absolute_url(), headers=HTMX)


def test_it_works(client: Client, connection: Connection, bucket: str) -> None:
    started = client.post(START, ASKED | {"input_s3_uri": f"s3://{bucket}/in/"}, headers=HTMX)
    check = InputCheck.objects.get()
    assert f'data-live="{check.get_absolute_url()}?in_form=1"' in started.text
    input_checks.check_records.run(check.pk)
    text = fragment(client, check).text
    assert "No problems in 100 records" in text
    assert "data-live" not in text


def test_the_check_knows_who_asked_for_it(client: Client, connection: Connection) -> None:
    client.post(START, ASKED, headers=HTMX)
    assert InputCheck.objects.get().created_by is not None


@pytest.mark.parametrize("name", ["model_id", "input_s3_uri"])
def test_what_is_missing_is_named_with_a_link(client: Client, connection: Connection, name: str) -> None:
    text = client.post(START, ASKED | {name: ""}, headers=HTMX).text
    assert "The input cannot be checked yet" in text
    assert f'href="#id_{name}"' in text
    assert not InputCheck.objects.exists()


def test_a_get_starts_nothing(client: Client, connection: Connection) -> None:
    assert client.get(START).status_code == 405


def test_who_is_not_signed_in_starts_nothing(connection: Connection) -> None:
    assert Client().post(START, ASKED).status_code == 302
    assert not InputCheck.objects.exists()


def test_progress_is_told_in_bytes_records_and_problems(client: Client, make_check: MakeCheck) -> None:
    check = make_check(state=State.RUNNING, bytes_total=4 * 2**20, bytes_done=2**20, records=12_345, problems=1)
    text = fragment(client, check).text
    assert 'value="25"' in text
    assert "1.0\xa0MB of 4.0\xa0MB, 12,345 records, 1 problem" in text


def test_a_panel_is_sent_only_when_it_has_changed(client: Client, make_check: MakeCheck) -> None:
    check = make_check(state=State.RUNNING, bytes_total=100)
    version = {"X-Part": "true", "X-Version": re.findall(r'data-version="(\w+)"', fragment(client, check).text)[0]}
    assert client.get(check.get_absolute_url(), headers=version).status_code == 204
    InputCheck.objects.filter(pk=check.pk).update(bytes_done=40)
    assert 'value="40"' in client.get(check.get_absolute_url(), headers=version).text


def test_an_input_that_cannot_be_read_now_says_so_and_goes_on(client: Client, make_check: MakeCheck) -> None:
    error = {"code": "EndpointUnreachable", "operation": "ListObjectsV2", "message": "Nobody there.", "hint": "Look."}
    text = fragment(client, make_check(error=error)).text
    assert "The input cannot be read at the moment" in text
    assert "Nobody there." in text
    assert "data-live" in text


def test_a_failed_check_shows_why_and_asks_no_more(client: Client, make_check: MakeCheck) -> None:
    error = {"code": "AccessDenied", "operation": "GetObject", "message": "Access Denied", "hint": "Add s3:GetObject."}
    text = fragment(client, make_check(state=State.FAILED, error=error)).text
    assert "The input could not be checked" in text
    assert "Add s3:GetObject." in text
    assert "data-live" not in text


def test_a_report_groups_problems_with_counts_and_examples(client: Client, make_check: MakeCheck) -> None:
    text = fragment(client, make_check(converse_lines(100) + BAD * 12)).text
    assert "12 errors and 11 warnings in 112 records" in text
    assert "Amazon Bedrock will reject 12 records." in text
    assert "10 of 12." in text
    assert "$.modelInput.messages" in text


def test_a_report_tells_tokens_cost_and_the_price_date(client: Client, make_check: MakeCheck) -> None:
    text = fragment(client, make_check(converse_lines(100))).text
    assert "Batch price of " in text
    assert "characters per token" in text
    assert "At most $" in text


def test_count_and_cost_stand_beside_the_button_that_creates_the_job(client: Client, make_check: MakeCheck) -> None:
    text = fragment(client, make_check(converse_lines(100))).text
    assert (
        '<p class="job-summary" id="job-summary" hx-swap-oob="true"><strong>100 records</strong>, input about' in text
    )
    blank = client.get("/local/jobs/create/").text
    assert "Choose Check input to see the number of records and the cost" in blank


def test_an_unknown_price_is_unknown_and_not_zero(client: Client, make_check: MakeCheck) -> None:
    unpriced = report.Report(model_id="x", invocation_type="Converse", records=100, estimated_input_tokens=7)
    done = make_check(state=State.DONE, report_json=report.encode(unpriced).decode())
    text = fragment(client, done).text
    assert "There is no batch price known for this model." in text
    assert "$0" not in text


def test_what_could_not_be_measured_has_no_figures(client: Client, make_check: MakeCheck) -> None:
    text = fragment(client, make_check(BAD)).text
    assert "<dt>Input tokens</dt><dd>-</dd>" in text
    assert "<dt>Total cost</dt><dd>-</dd>" in text
    assert "$0" not in text


def test_markup_in_a_record_stays_text(client: Client, make_check: MakeCheck) -> None:
    data = b'{"recordId": "<script>alert(1)</script>", "modelInput": {"messages": 5}}\n'
    text = fragment(client, make_check(data)).text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_check_has_a_page_of_its_own(client: Client, make_check: MakeCheck) -> None:
    text = client.get(make_check(converse_lines(100)).get_absolute_url()).text
    assert ">Input check</span>" in text
    assert "input_s3_uri=s3%3A//prompts/input/&amp;model_id=" in text


def test_a_check_of_another_connection_is_not_found(client: Client, make_check: MakeCheck, other: Connection) -> None:
    check = make_check()
    assert client.get(f"/production/input-checks/{check.pk}/").status_code == 404


def test_every_problem_comes_as_csv(client: Client, make_check: MakeCheck, connection: Connection, bucket: str) -> None:
    s3.put_object(connection.target, bucket, "in/records.jsonl", converse_lines(100) + BAD * 30)
    check = make_check(input_s3_uri=f"s3://{bucket}/in/")
    input_checks.check_records.run(check.pk)
    response: Any = client.get(f"{check.get_absolute_url()}problems.csv")
    rows = list(csv.DictReader(b"".join(response).decode().splitlines()))
    assert response["Content-Disposition"] == 'attachment; filename="in-problems.csv"'
    assert [row["line"] for row in rows if row["severity"] == "error"] == [str(line) for line in range(101, 131)]
    assert rows[0]["record_id"] == "'=bad"  # no formula for a spreadsheet


def test_csv_of_an_input_that_has_changed_is_refused_in_words(
    client: Client, make_check: MakeCheck, connection: Connection, bucket: str
) -> None:
    check = make_check(input_s3_uri=f"s3://{bucket}/in/")
    input_checks.check_records.run(check.pk)
    s3.put_object(connection.target, bucket, "in/records.jsonl", converse_lines(101))
    response: Answer = client.get(f"{check.get_absolute_url()}problems.csv", follow=True)
    assert "The input or the limits have changed since this check." in response.text


@pytest.mark.parametrize("fields", [{}, {"state": State.FAILED, "error": {"code": "X", "message": "m"}}])
def test_csv_before_there_is_a_report_is_refused_in_words(
    client: Client, make_check: MakeCheck, fields: dict[str, Any]
) -> None:
    response: Answer = client.get(f"{make_check(**fields).get_absolute_url()}problems.csv", follow=True)
    assert "there is no report of it yet" in response.text


# The create form without script.


def test_the_form_starts_a_check_and_keeps_what_was_typed(client: Client, connection: Connection) -> None:
    text = client.post("/local/jobs/create/", ASKED | {"job_name": "my-job", "check_now": "1"}).text
    assert InputCheck.objects.count() == 1
    assert 'value="my-job"' in text
    assert "Waiting for a worker" in text


def test_the_form_shows_the_check_again_after_any_step(client: Client, make_check: MakeCheck) -> None:
    check = make_check(converse_lines(100))
    for step in ({"check_show": "1"}, {"add_tag": "1"}, {}):
        posted = ASKED | {"input_check": check.pk} | step
        assert "No problems in 100 records" in client.post("/local/jobs/create/", posted).text


@pytest.mark.parametrize("key", ["", "x", "0", "99999999999999999999"])
def test_a_check_that_is_not_there_is_no_trouble(client: Client, connection: Connection, key: str) -> None:
    assert client.post("/local/jobs/create/", {"input_check": key}).status_code == 200


# The page of a job.


def test_a_refused_job_opens_with_the_report_and_what_can_be_done(
    client: Client, make_job: MakeJob, make_check: MakeCheck
) -> None:
    check = make_check(converse_lines(100) + BAD)
    job = make_job(status=Status.REJECTED, check_input=True, input_check=check, message="1 error in 101 records")
    text = client.get(job.get_absolute_url()).text
    assert "1 error in 101 records" in text
    assert f"/local/jobs/create/?clone={job.pk}" in text
    assert "Submit anyway" in text
    assert f"{check.get_absolute_url()}problems.csv" in text


def test_the_list_says_why_a_job_was_refused(client: Client, make_job: MakeJob, connection: Connection) -> None:
    make_job(status=Status.REJECTED, message="12 errors in 500 records")
    assert "12 errors in 500 records" in client.get(connection.get_absolute_url()).text


def test_a_job_being_checked_shows_how_far(client: Client, make_job: MakeJob, make_check: MakeCheck) -> None:
    check = make_check(state=State.RUNNING, bytes_total=100, bytes_done=40)
    job = make_job(status=Status.CHECKING, check_input=True, input_check=check)
    text = client.get(job.get_absolute_url()).text
    assert 'value="40"' in text
    assert "data-live" not in text.partition('id="input-check"')[2].partition(">")[0]


def test_the_page_of_a_job_notices_progress(client: Client, make_job: MakeJob, make_check: MakeCheck) -> None:
    check = make_check(state=State.RUNNING)
    job = make_job(status=Status.CHECKING, check_input=True, input_check=check)
    version = client.get(job.get_absolute_url()).context["version"]
    InputCheck.objects.filter(pk=check.pk).update(records=5)
    assert client.get(job.get_absolute_url(), headers=HTMX | {"X-Version": version}).status_code == 200


def test_a_job_without_a_check_has_no_tab_for_it(client: Client, make_job: MakeJob) -> None:
    assert "tab-check" not in client.get(make_job().get_absolute_url()).text


@pytest.mark.parametrize("status", [Status.REJECTED, Status.CHECKING])
def test_a_person_can_pass_over_the_check(client: Client, make_job: MakeJob, status: Status) -> None:
    job = make_job(status=status, check_input=True)
    client.post(f"{job.get_absolute_url()}release/")
    job.refresh_from_db()
    event = job.events.get(verb=Verb.RELEASED)
    assert (job.status, event.actor is not None) == (Status.QUEUED, True)


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.COMPLETED, Status.CANCELLED])
def test_nothing_else_can_be_released(client: Client, make_job: MakeJob, status: Status) -> None:
    job = make_job(status=status)
    client.post(f"{job.get_absolute_url()}release/")
    assert BatchJob.objects.get().status == status


def test_a_check_is_cancelled_from_its_page(client: Client, make_check: MakeCheck, person: User) -> None:
    check = make_check(created_by=person)
    assert "Cancel check" in fragment(client, check).content.decode()
    page = client.post(f"{check.get_absolute_url()}cancel/", follow=True).content.decode()
    assert "The check was cancelled." in page
    assert "Cancel check" not in page


def test_cancelling_in_the_form_answers_with_the_panel(client: Client, make_check: MakeCheck, person: User) -> None:
    check = make_check(created_by=person)
    answer = client.post(f"{check.get_absolute_url()}cancel/", headers=HTMX)
    assert answer.content.startswith(b'<div class="input-check"')
    assert b"The check was cancelled." in answer.content
    assert b"data-live" not in answer.content


def test_a_check_that_has_ended_is_not_cancelled(client: Client, make_check: MakeCheck, person: User) -> None:
    check = make_check(BAD, created_by=person)
    page = client.post(f"{check.get_absolute_url()}cancel/", follow=True).content.decode()
    assert "The check has ended already." in page
