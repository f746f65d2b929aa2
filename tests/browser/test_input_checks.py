"""The input check in a real browser: a bad file caught in the form, mended, submitted; and a refused job put right."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from batchconsole.aws import s3
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.models import BatchJob, Connection, InputCheck, Status
from tests.browser.conftest import MakeJob, Open, faults
from tests.conftest import service_role_trust
from tests.jobs.conftest import converse_lines

URL = "/local/jobs/create/?model_id=amazon.nova-micro-v1:0&model_invocation_type=Converse&input_s3_uri=s3://{}/input/"
BAD = b'{"recordId": "bad", "modelInput": {"messages": []}}\n'
KEY = "input/records.jsonl"
NARROW = {"width": 400, "height": 900}


@pytest.fixture
def local(connection: Connection, aws_endpoint: str) -> Connection:
    """The connection with S3 and IAM; Bedrock is away."""
    connection.endpoint_url = aws_endpoint
    connection.save()
    return connection


@pytest.fixture
def bucket(local: Connection) -> str:
    """A bucket whose input has 100 good records and 12 bad ones."""
    name = f"prompts-{uuid4().hex[:12]}"
    s3.create_bucket(local.target, name)
    s3.put_object(local.target, name, KEY, converse_lines(100) + BAD * 12)
    return name


@pytest.fixture
def role_name(boto: Any) -> str:
    name = f"batch-{uuid4().hex[:8]}"
    boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=service_role_trust())
    return name


def work() -> None:
    """Do what the worker for checks has to do now."""
    for job in BatchJob.objects.filter(status=Status.CHECKING):
        input_checks.check_input.run(job.pk)
    for check in InputCheck.objects.unfinished():
        input_checks.check_records.run(check.pk)
    for job in BatchJob.objects.filter(status=Status.CHECKING):
        input_checks.check_input.run(job.pk)


def check_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Check input")


def region(page: Page) -> Locator:
    return page.locator("#input-check")


def check_input(page: Page) -> None:
    """Press the button and let the worker do the check."""
    check_button(page).click()
    expect(region(page)).to_contain_text("Waiting for a worker")
    work()


def test_a_bad_file_is_caught_mended_and_submitted(
    open_page: Open, local: Connection, bucket: str, role_name: str
) -> None:
    page = open_page(URL.format(bucket))
    check_input(page)
    expect(region(page)).to_contain_text("12 errors and 11 warnings in 112 records")
    expect(region(page).get_by_role("cell", name="$.modelInput.messages").first).to_be_visible()
    s3.put_object(local.target, bucket, KEY, converse_lines(100))
    check_input(page)
    expect(region(page)).to_contain_text("No problems in 100 records")
    page.locator("#id_job_name").fill("mended")
    page.locator("#id_output_s3_uri").fill(f"s3://{bucket}/output/")
    page.locator("#id_role_arn").select_option(label=role_name)
    page.get_by_role("button", name="Create batch inference job").click()
    expect(page.get_by_text("The job is submitted when the input check finds no errors")).to_be_visible()
    work()
    expect(page.locator(".key-values .status-indicator").first).to_have_text("Queued")
    assert BatchJob.objects.get().status == Status.QUEUED


def test_a_refused_job_shows_its_report_and_goes_on_anyway(open_page: Open, bucket: str, make_job: MakeJob) -> None:
    job = make_job(status=Status.CHECKING, check_input=True, input_s3_uri=f"s3://{bucket}/input/")
    page = open_page(job.get_absolute_url())
    work()
    expect(page.get_by_text("Nothing was sent to Amazon Bedrock.")).to_be_visible()
    expect(region(page)).to_contain_text("12 errors and 11 warnings in 112 records")
    assert faults(page) == []
    page.locator("#job-check").get_by_role("button", name="Submit anyway").click()
    expect(page.get_by_text("was sent to the queue.")).to_be_visible()
    assert BatchJob.objects.get().status == Status.QUEUED


def test_correcting_a_refused_job_fills_the_form_in(open_page: Open, bucket: str, make_job: MakeJob) -> None:
    job = make_job(status=Status.CHECKING, check_input=True, input_s3_uri=f"s3://{bucket}/input/")
    work()
    page = open_page(job.get_absolute_url())
    page.get_by_role("link", name="Correct and resubmit").click()
    expect(page.locator("#id_job_name")).to_have_value(job.job_name)
    expect(page.locator("#id_input_s3_uri")).to_have_value(job.input_s3_uri)
    expect(page.locator("#id_model_id")).to_have_value(job.model_id)


def test_all_problems_are_downloaded(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    check_input(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all problems").click()
    assert download.value.suggested_filename == "input-problems.csv"
    assert download.value.path().read_text().count("error,") == 12


def test_the_first_records_are_shown_as_the_model_will_see_them(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    check_input(page)
    page.get_by_text("Preview of the first 3 records").click()
    expect(page.get_by_text("Say the number 1.")).to_be_visible()


def test_what_is_missing_leads_to_its_field(open_page: Open, local: Connection) -> None:
    page = open_page("/local/jobs/create/")
    check_button(page).click()
    page.get_by_role("link", name="Model is required.").click()
    expect(page.locator("#id_model_id")).to_be_focused()


def test_a_report_about_another_input_is_marked(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    check_input(page)
    expect(region(page)).to_contain_text("12 errors")
    note = page.get_by_text("The form has changed since this check.")
    expect(note).to_be_hidden()
    page.get_by_role("radio", name="InvokeModel").check()
    expect(note).to_be_visible()
    page.get_by_role("radio", name="Converse").check()
    expect(note).to_be_hidden()


def test_the_outcome_is_read_out_and_progress_is_not(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    check_button(page).click()
    status = page.locator("#live-status")
    expect(status).to_have_text("The input is being checked.")
    work()
    expect(status).to_have_text("Input check: 12 errors and 11 warnings in 112 records.")


def test_a_check_does_not_make_leaving_the_page_a_loss(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    check_input(page)
    expect(region(page)).to_contain_text("12 errors")
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(re.compile("/local/jobs/$"))


def test_it_works_without_script(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket), java_script_enabled=False)
    page.locator("#id_job_name").fill("by-hand")
    with page.expect_navigation():
        check_button(page).click()
    work()
    page.get_by_role("button", name="Update", exact=True).click()
    expect(region(page)).to_contain_text("12 errors and 11 warnings in 112 records")
    expect(page.locator("#id_job_name")).to_have_value("by-hand")


def test_a_session_that_has_ended_leads_to_the_sign_in_page(open_page: Open, bucket: str) -> None:
    page = open_page(URL.format(bucket))
    page.context.clear_cookies(name="sessionid")
    check_button(page).click()
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page).to_have_url(re.compile("/login/"))
