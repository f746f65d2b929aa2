"""The main job by keyboard alone: sign in, fill the form in with every chooser, submit, read the job, stop it."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from batchconsole.aws import s3
from batchconsole.jobs.models import BatchJob, Connection
from tests.browser.conftest import Open
from tests.browser.keyboard import Keyboard
from tests.conftest import service_role_trust
from tests.jobs.conftest import converse_lines


@pytest.fixture
def bucket(connection: Connection, aws_endpoint: str) -> str:
    """The only bucket that starts with its name, with one file of input; Bedrock is away."""
    connection.endpoint_url = aws_endpoint
    connection.save()
    name = f"keys-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    s3.put_object(connection.target, name, "input/records.jsonl", converse_lines(100))
    return name


@pytest.fixture
def role_name(boto: Any) -> str:
    name = f"keys-{uuid4().hex[:8]}"
    boto("iam").create_role(RoleName=name, AssumeRolePolicyDocument=service_role_trust())
    return name


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name).first


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True).first


def sign_in(page: Page, keys: Keyboard) -> None:
    expect(page.get_by_label("User name")).to_be_focused()
    keys.type("ada")
    keys.tab_to(page.get_by_label("Password"))
    keys.type("correct horse battery staple")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Batch inference jobs")


def choose_model(page: Page, keys: Keyboard) -> None:
    opener = button(page, "Select model")
    dialog = keys.open_dialog(opener)
    keys.tab_to(dialog.get_by_role("searchbox"))
    keys.type("claude-3-haiku")
    expect(dialog.get_by_text("1 model", exact=True)).to_be_visible()
    keys.activate(dialog.get_by_label("Claude 3 Haiku, On-demand"), key="Space")
    keys.tab_to(dialog.get_by_role("button", name="Apply"))
    keys.leave_dialog(opener, key="Enter")


def choose_input(page: Page, keys: Keyboard, bucket: str) -> None:
    opener = page.get_by_role("group", name="input data").get_by_role("button", name="Browse S3")
    dialog = keys.open_dialog(opener)
    keys.tab_to(dialog.get_by_placeholder("Find bucket"))
    keys.type(bucket)
    keys.press("Enter")
    expect(dialog.get_by_text("1 match", exact=True)).to_be_visible()
    for name, inside in ((bucket, "input/"), ("input/", "records.jsonl")):
        keys.activate(dialog.get_by_role("link", name=name, exact=True))
        dialog.get_by_label(f"Select {inside}").wait_for()
    # The choices are one stop of Tab; the arrows go from the folder itself to what is in it.
    keys.activate(dialog.get_by_label("This folder"), key="ArrowDown")
    expect(dialog.get_by_label("Select records.jsonl")).to_be_checked()
    keys.tab_to(dialog.get_by_role("button", name="Choose"))
    keys.leave_dialog(opener, key="Enter")


def fill_in(page: Page, keys: Keyboard, bucket: str, role_name: str) -> None:
    expect(page.locator("#id_job_name")).to_be_focused()
    keys.type("by-keyboard")
    choose_model(page, keys)
    keys.tab_to(page.locator("[name=model_invocation_type]:checked"))
    keys.press("ArrowRight")
    choose_input(page, keys, bucket)
    keys.tab_to(page.locator("#id_output_s3_uri"))
    keys.type(f"s3://{bucket}/output/")
    keys.tab_to(page.locator("#id_role_arn"))
    keys.type(role_name)
    keys.tab_to(page.locator("#id_tags-0-key"))
    keys.type("team")
    keys.tab_to(page.locator("#id_tags-0-value"))
    keys.type("nlp")
    keys.activate(page.locator("summary", has_text="Additional settings"))
    keys.tab_to(page.locator("#id_timeout_duration_in_hours"))
    keys.type("48")


def test_the_keyboard_does_the_whole_job(open_page: Open, bucket: str, role_name: str) -> None:
    page = open_page("/login/?next=/local/jobs/", signed_in=False, reduced_motion="reduce")
    keys = Keyboard(page)
    sign_in(page, keys)
    keys.activate(link(page, "Create job"))
    fill_in(page, keys, bucket, role_name)
    keys.activate(button(page, "Create batch inference job"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("by-keyboard")
    job = BatchJob.objects.get()
    assert (job.model_invocation_type, job.timeout_duration_in_hours) == ("Converse", 48)
    assert job.model_id == "anthropic.claude-3-haiku-20240307-v1:0"
    assert job.input_s3_uri == f"s3://{bucket}/input/records.jsonl"
    assert job.role_arn.endswith(role_name)
    assert job.tags == [{"key": "team", "value": "nlp"}]


def test_the_keyboard_reads_a_job_and_stops_it(open_page: Open, connection: Connection, make_job: Any) -> None:
    job = make_job("by-keyboard", "Queued")
    page = open_page(job.get_absolute_url(), reduced_motion="reduce")
    keys, stop = Keyboard(page), link(page, "Stop job")
    keys.open_dialog(stop)
    keys.leave_dialog(stop)
    keys.activate(link(page, "Results"))
    expect(page.get_by_text("No results yet")).to_be_visible()
    expect(link(page, "Results")).to_be_focused()
    page.reload()
    dialog = keys.open_dialog(stop)
    keys.activate(dialog.get_by_role("button", name=re.compile("^Stop")))
    expect(page.locator(".flash")).to_be_focused()
    job.refresh_from_db()
    assert job.status == "Cancelled"


def test_tab_goes_round_inside_a_dialog(open_page: Open, make_job: Any) -> None:
    page = open_page(make_job("by-keyboard", "Queued").get_absolute_url())
    link(page, "Stop job").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
