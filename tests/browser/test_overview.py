"""The landing page as people meet it: first use, trouble, narrow screens, and updates in place."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from batchconsole.jobs.models import Connection
from tests.browser.conftest import MakeJob, Open, let_time_pass
from tests.browser.pages.visits import Look

URL = "/local/"


@pytest.fixture
def busy(make_job: MakeJob) -> None:
    """Something of everything, and every warning there is."""
    error = {"code": "ExpiredToken", "message": "The token is expired", "hint": "Renew it."}
    Connection.objects.update(sync_error=error)
    for number in range(16):
        make_job(f"running-{number}", "InProgress", total_record_count=100, processed_record_count=36)
    make_job("patient-" + "name-" * 10, "Queued", created_at=timezone.now() - timedelta(hours=3))
    make_job("broken", "Failed", message="Could not validate GetObject permissions. " * 6)
    make_job("unpriced", end_time=timezone.now(), input_token_count=10, output_token_count=10)


def test_axe_finds_nothing(open_page: Open, busy: None) -> None:
    page = open_page(URL)
    expect(page.locator("#overview-warnings .alert")).to_have_count(4)
    assert Look(page, has_script=True).faults() == []


def test_a_narrow_screen_never_scrolls_sideways(open_page: Open, busy: None) -> None:
    page = open_page(URL, viewport={"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_it_follows_the_jobs_without_a_reload(open_page: Open, make_job: MakeJob) -> None:
    job = make_job("support-triage", "InProgress")
    page = open_page(URL, has_clock=True)
    page.evaluate("window.stays = true")
    expect(page.locator("#overview-running")).to_contain_text("support-triage")
    job.transition("Failed", verb="reported", message="The model is gone.")
    let_time_pass(page)
    expect(page.locator("#overview-failed")).to_contain_text("The model is gone.")
    expect(page.locator("#overview-running")).not_to_contain_text("support-triage")
    assert page.evaluate("window.stays")


def test_a_figure_leads_to_the_list_of_its_jobs(open_page: Open, busy: None) -> None:
    page = open_page(URL)
    page.get_by_role("definition").get_by_role("link", name="16").click()
    page.wait_for_url("**/local/jobs/?status=running")
    expect(page.locator("h1")).to_contain_text("(16)")


def test_the_keyboard_goes_there_and_on_to_the_jobs(open_page: Open, busy: None) -> None:
    page = open_page("/activity/")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(f"**{URL}")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/local/jobs/")
