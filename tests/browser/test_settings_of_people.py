"""What people set in their system: less motion, forced colours, large text; and updates that are read out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.states import Status
from tests.browser.conftest import MakeJob, Open, let_time_pass

ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
# Everything that still moves or fades: the time it takes, of each element, before and after it.
MOVING = """() => [...document.querySelectorAll("*")].flatMap(element =>
  [null, "::before", "::after"].map(part => getComputedStyle(element, part)).filter(style => {
    const times = `${style.transitionDuration},${style.animationName === "none" ? "0s" : style.animationDuration}`;
    return times.split(",").some(time => parseFloat(time) > 0.01);
  }).map(() => element.outerHTML.slice(0, 100)))"""
# In forced colours a background says nothing: each control needs a border, an outline, a text or a picture.
BARE = """() => [...document.querySelectorAll("button, summary, input, select, progress, .tile, .badge, .alert")]
  .filter(element => element.checkVisibility({ checkVisibilityCSS: true }) && element.getClientRects().length)
  .filter(element => {
    const style = getComputedStyle(element);
    const hasEdge = ["Top", "Bottom", "Left"].some(side =>
      style[`border${side}Style`] !== "none" && parseFloat(style[`border${side}Width`]) > 0);
    return !hasEdge && !element.textContent.trim() && !element.querySelector("svg") && style.appearance === "none";
  }).map(element => element.outerHTML.slice(0, 120))"""


@pytest.fixture
def running(make_job: MakeJob) -> BatchJob:
    counts = {"total_record_count": 1000, "processed_record_count": 360, "error_record_count": 4}
    make_job("failed", "Failed", message="The role may not read the input.")
    return make_job("running", "InProgress", created_at=timezone.now() + timedelta(seconds=1), **counts)


def pages(job: BatchJob) -> list[str]:
    return ["/local/", "/local/jobs/", job.get_absolute_url(), "/local/jobs/create/", "/local/usage/"]


def test_nothing_moves_when_motion_is_unwanted(open_page: Open, running: BatchJob) -> None:
    page = open_page("/healthz", reduced_motion="reduce")
    for path in pages(running):
        page.goto(path)
        assert page.evaluate(MOVING) == []


def test_nothing_vanishes_in_forced_colours(open_page: Open, running: BatchJob) -> None:
    page = open_page("/healthz", forced_colors="active")
    for path in pages(running):
        page.goto(path)
        assert page.evaluate(BARE) == []


def test_status_and_progress_are_drawn_in_forced_colours(open_page: Open, running: BatchJob) -> None:
    page = open_page("/local/jobs/", forced_colors="active")
    row = page.locator(f"#job-{running.pk}")
    text = page.evaluate("getComputedStyle(document.body).color")
    assert row.locator(".status-indicator svg").first.evaluate("icon => getComputedStyle(icon).color") == text
    assert row.locator("progress").evaluate("bar => getComputedStyle(bar).borderTopStyle") == "solid"
    expect(row).to_contain_text("36%")


def test_what_is_chosen_has_an_outline_in_forced_colours(open_page: Open, running: BatchJob) -> None:
    page = open_page("/local/jobs/", forced_colors="active")
    page.get_by_role("checkbox", name="Select job running").check()
    assert outline(page.locator(f"#job-{running.pk}")) == "solid"
    assert outline(page.locator("tbody tr").nth(1)) == "none"
    page.goto("/local/jobs/create/")
    page.get_by_role("radio", name="Converse").check()
    assert [outline(tile) for tile in page.locator(".tile").all()] == ["none", "solid"]


def outline(place: Locator) -> str:
    return str(place.evaluate("element => getComputedStyle(element).outlineStyle"))


def test_at_200_per_cent_nothing_scrolls_two_ways(open_page: Open, running: BatchJob) -> None:
    page = open_page("/healthz", **ZOOMED)
    for path in pages(running):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 640, path


@pytest.mark.parametrize("size", [(640, 400), (720, 450)], ids=["of 1280 pixels", "of 1440 pixels"])
def test_at_200_per_cent_a_job_is_in_the_first_view(open_page: Open, running: BatchJob, size: tuple[int, int]) -> None:
    page = open_page("/local/jobs/", viewport={"width": size[0], "height": size[1]}, device_scale_factor=2)
    expect(page.get_by_role("link", name="running", exact=True)).to_be_in_viewport(ratio=1)


def test_at_200_per_cent_the_form_can_be_sent(open_page: Open, connection: Connection) -> None:
    page = open_page("/local/jobs/create/", **ZOOMED)
    page.get_by_role("button", name="Create batch inference job").click()
    expect(page.locator("#id_job_name")).to_be_focused()
    expect(page.locator("#id_job_name")).to_be_in_viewport()


def test_an_update_of_a_job_is_read_out_once_and_politely(open_page: Open, running: BatchJob) -> None:
    page = open_page(running.get_absolute_url(), has_clock=True)
    status = page.locator("#live-status")
    expect(status).to_have_role("status")
    heard(page)
    running.transition(Status.COMPLETED, verb="reported", processed_record_count=1000)
    let_time_pass(page)
    expect(status).to_contain_text("Completed")
    assert page.evaluate("window.heard.length") == 1


def heard(page: Page) -> None:
    """Note in ``window.heard`` what a screen reader would say of the live region."""
    page.evaluate(
        """() => {
          const status = document.getElementById("live-status");
          window.heard = [];
          new MutationObserver(() => {
            const said = status.textContent.trim();
            if (said && said !== window.heard.at(-1)) window.heard.push(said);
          }).observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
