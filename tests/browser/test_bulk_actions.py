"""Stopping many jobs as a person does it: the selection that grows beyond the page, the question, the progress."""

import re

import pytest
from playwright.sync_api import expect

from batchconsole.jobs import bulk_actions
from batchconsole.jobs.models import BatchJob, BulkAction
from tests.browser.conftest import MakeJob, Open, faults, let_time_pass
from tests.browser.pages.visits import Look

JOBS = "/local/jobs/?page_size=10"


@pytest.fixture
def waiting(make_job: MakeJob) -> None:
    for number in range(12):
        make_job(f"waiting-{number:02}", "Queued")


@pytest.fixture
def action(waiting: None, make_job: MakeJob) -> BulkAction:
    """A stop in which one job has ended and one is being submitted."""
    quick, away = make_job("quick", "Queued"), make_job("submitting", "Submitting")
    jobs = BatchJob.objects.filter(connection=quick.connection)
    action = bulk_actions.request_stop(connection=quick.connection, actor=quick.created_by, jobs=jobs)
    BatchJob.objects.filter(pk=quick.pk).update(status="Completed")
    return BulkAction.objects.get(pk=action.pk, items__job=away)


def test_a_whole_page_selected_offers_all_that_match(open_page: Open, waiting: None) -> None:
    page = open_page(JOBS)
    everything = page.get_by_label("Select all 12 jobs")
    expect(everything).to_be_hidden()
    page.get_by_role("checkbox", name="Select all jobs of this page").click()
    everything.click()
    expect(page.locator("h1")).to_contain_text("(12/12)")
    assert faults(page) == []
    page.get_by_role("checkbox", name="Select job waiting-05").click()
    expect(everything).to_be_hidden()
    expect(page.locator("h1")).to_contain_text("(9/12)")


def test_all_that_match_stay_selected_when_a_job_comes(open_page: Open, waiting: None, make_job: MakeJob) -> None:
    page = open_page(JOBS, has_clock=True)
    page.get_by_role("checkbox", name="Select all jobs of this page").click()
    page.get_by_label("Select all 12 jobs").click()
    make_job("newcomer", "Queued")
    let_time_pass(page)
    expect(page.get_by_role("checkbox", name="Select job newcomer")).to_be_checked()
    expect(page.locator("h1")).to_contain_text("(13/13)")


def test_all_that_match_are_stopped_and_the_progress_is_followed(open_page: Open, waiting: None) -> None:
    page = open_page(JOBS)
    page.get_by_role("checkbox", name="Select all jobs of this page").click()
    page.get_by_label("Select all 12 jobs").click()
    page.get_by_role("button", name="Stop job").click()
    dialog = page.get_by_role("dialog", name="Stop jobs")
    expect(dialog).to_contain_text("Stop all 12 jobs that have not ended?")
    assert faults(page) == []
    dialog.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".flash")).to_be_focused()
    page.get_by_role("link", name="View progress").click()
    expect(page.get_by_text("0 of 12")).to_be_visible()
    bulk_actions.stop_jobs(BulkAction.objects.get())
    expect(page.locator("strong", has_text="12 cancelled.")).to_be_visible()


def test_without_script_all_that_match_are_stopped(open_page: Open, waiting: None) -> None:
    page = open_page(f"{JOBS}&q=waiting", java_script_enabled=False)
    page.get_by_label("Select all 12 jobs that match").check()
    page.get_by_role("button", name="Stop job").click()
    expect(page.get_by_text("Stop all 12 jobs that match and have not ended?")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("link", name="View progress").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Stop of 12 jobs")


def test_the_actions_stop_what_the_filter_shows(open_page: Open, waiting: None, make_job: MakeJob) -> None:
    make_job("other", "Queued")
    page = open_page(f"{JOBS}&q=waiting-0")
    page.locator("summary", has_text="Actions").click()
    page.get_by_role("link", name="Stop all jobs that match").click()
    expect(page.get_by_role("dialog")).to_contain_text("Stop all 10 jobs that match and have not ended?")


def test_axe_finds_nothing(open_page: Open, action: BulkAction) -> None:
    bulk_actions.stop_jobs(action)
    page = open_page(action.get_absolute_url())
    expect(page.get_by_text("being submitted at this moment").first).to_be_visible()
    assert Look(page, has_script=True).faults() == []


def test_a_narrow_screen_never_scrolls_sideways(open_page: Open, action: BulkAction) -> None:
    page = open_page(action.get_absolute_url(), viewport={"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_one_outcome_is_shown_in_place(open_page: Open, action: BulkAction) -> None:
    bulk_actions.stop_jobs(action)
    page = open_page(action.get_absolute_url())
    page.get_by_role("link", name=re.compile("^Had already ended")).click()
    page.wait_for_url("**?outcome=ended")
    expect(page.locator("#bulk-action tbody tr")).to_have_count(1)
