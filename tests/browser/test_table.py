"""The job list's table as people arrange it: columns in their order, widths by pointer and by keyboard."""

import math
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from batchconsole.jobs.models import BatchJob, KeptPreferences
from batchconsole.jobs.states import Status
from tests.browser.conftest import MakeJob, Open, faults, let_time_pass
from tests.browser.test_weight import OBSERVE

JOBS = "/local/jobs/"


@pytest.fixture
def running(make_job: MakeJob) -> BatchJob:
    make_job("older", "Failed", message="The role may not read the input.")
    counts = {"total_record_count": 1000, "processed_record_count": 360}
    return make_job("running", "InProgress", created_at=timezone.now() + timedelta(seconds=1), **counts)


def handle(page: Page, title: str) -> Locator:
    return page.get_by_role("separator", name=f"Width of {title}")


def width(page: Page, title: str) -> int:
    box = page.get_by_role("columnheader", name=title, exact=True).bounding_box()
    assert box
    return math.ceil(box["width"])


def drag(page: Page, title: str, by: int) -> None:
    box = handle(page, title).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=3)
    page.mouse.up()


def kept(person: User) -> str:
    return str(KeptPreferences.objects.get(user=person).values["widths"])


def test_a_width_is_dragged_and_stays(open_page: Open, running: BatchJob, person: User) -> None:
    page = open_page(JOBS, has_clock=True)
    before = width(page, "Job name")
    others = width(page, "Status")
    with page.expect_response("**/columns/widths/"):
        drag(page, "Job name", 100)
    assert (width(page, "Job name"), width(page, "Status")) == (before + 100, others)
    assert f"name-{before + 100}." in kept(person)
    running.transition(Status.COMPLETED, verb="reported", processed_record_count=1000)
    let_time_pass(page)
    expect(page.locator(f"#job-{running.pk}")).to_contain_text("Completed")
    assert width(page, "Job name") == before + 100
    page.reload()
    page.evaluate(OBSERVE)
    page.get_by_text("Last updated").wait_for()
    assert (width(page, "Job name"), width(page, "Status")) == (before + 100, others)
    assert page.evaluate("window.shifted()") < 0.01


def test_the_keyboard_changes_a_width(open_page: Open, running: BatchJob) -> None:
    page = open_page(JOBS)
    before = width(page, "Status")
    handle(page, "Status").focus()
    with page.expect_response("**/columns/widths/"):
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            page.keyboard.press(key)
    expect(handle(page, "Status")).to_have_attribute("aria-valuenow", str(before + 16))
    assert width(page, "Status") == before + 16
    assert faults(page) == []


def test_columns_are_moved_in_the_dialog_and_the_focus_stays(open_page: Open, running: BatchJob) -> None:
    page = open_page(JOBS)
    page.get_by_role("link", name="Table preferences").click()
    dialog = page.get_by_role("dialog", name="Table preferences")
    up = dialog.get_by_role("button", name="Move Model up")
    up.focus()
    page.keyboard.press("Enter")
    expect(up).to_be_focused()
    expect(dialog.get_by_role("status")).to_have_text(re.compile(r"^Model: 2 of \d+$"))
    page.keyboard.press("Enter")
    expect(up).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Compact").check()
    page.keyboard.press("Enter")
    expect(page.locator("thead th").nth(1)).to_contain_text("Model")
    expect(page.locator("html")).to_have_attribute("data-density", "compact")


def test_what_is_cut_off_is_told_whole_under_the_pointer(open_page: Open, make_job: MakeJob) -> None:
    reason = " ".join(["The role may not read the input."] * 8)
    job = make_job("failed", "Failed", message=reason)
    page = open_page(JOBS)
    text = page.locator(f"#job-{job.pk} .reason")
    text.hover()
    expect(text).to_have_attribute("title", reason)
    name = page.get_by_role("link", name="failed", exact=True)
    name.hover()
    expect(name).not_to_have_attribute("title", "failed")


def test_the_defaults_come_back(open_page: Open, running: BatchJob) -> None:
    page = open_page(JOBS)
    before = width(page, "Job name")
    with page.expect_response("**/columns/widths/"):
        drag(page, "Job name", 100)
    page.get_by_role("link", name="Table preferences").click()
    page.get_by_role("button", name="Reset to defaults").click()
    expect(page.locator("table.job-table[data-resized]")).to_have_count(0)
    assert width(page, "Job name") == before
