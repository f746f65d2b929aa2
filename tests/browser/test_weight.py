"""What a page costs the browser: bytes, hosts, and whether an update moves what somebody is reading."""

import gzip
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Response, Route, expect

from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.states import Status
from tests.browser.conftest import MakeJob, Open, let_time_pass, set_in
from tests.browser.pages.visits import FONTS

PAGES = {"overview": "/local/", "list": "/local/jobs/", "job": "/local/jobs/{pk}/", "create": "/local/jobs/create/"}
LIMIT = 100_000  # bytes of all a page loads
HEADINGS = "[...document.querySelectorAll('thead th')].map(cell => cell.getBoundingClientRect().left)"
HAS_OUR_FONT = """() => [...document.fonts]
  .some(font => /^.?Open Sans.?$/.test(font.family) && font.status === "loaded")"""
# Adds up how far things moved that nobody moved, from the page's first paint on.
OBSERVE = """() => {
  window.shift = 0;
  const add = entries => entries.forEach(entry => { window.shift += entry.value; });
  const observer = new PerformanceObserver(list => add(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  window.shifted = () => { add(observer.takeRecords()); return window.shift; };
}"""


@pytest.fixture
def running(make_job: MakeJob) -> BatchJob:
    """The newest of twenty jobs, which runs."""
    for number in range(19):
        make_job(f"job-{number}", total_record_count=100, processed_record_count=50)
    counts = {"total_record_count": 1000, "processed_record_count": 360}
    return make_job("running", "InProgress", created_at=timezone.now() + timedelta(seconds=1), **counts)


def weight(answer: Response) -> int:
    """The bytes of *answer* on the wire; static files are compressed beforehand, where they are served for good."""
    is_compressed = "/static/" in answer.url or answer.headers.get("content-encoding") == "gzip"
    return len(gzip.compress(answer.body()) if is_compressed else answer.body())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_weighs_under_100_kb_and_comes_from_one_host(open_page: Open, running: BatchJob, name: str) -> None:
    page = open_page("/healthz", is_first=True)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(PAGES[name].format(pk=running.pk))
    page.wait_for_load_state("networkidle")
    assert len({answer.url.split("/")[2] for answer in answers}) == 1
    weights = {answer.url: weight(answer) for answer in answers}
    assert len(weights) > 5
    assert sum(weights.values()) < LIMIT, weights


@pytest.mark.parametrize("name", ["overview", "list", "job"])
def test_progress_shifts_nothing(open_page: Open, running: BatchJob, name: str) -> None:
    page = open_page(PAGES[name].format(pk=running.pk), has_clock=True)
    page.evaluate(OBSERVE)
    BatchJob.objects.filter(pk=running.pk).update(processed_record_count=720, modified_at=timezone.now())
    let_time_pass(page)
    expect(page.locator("main")).to_contain_text("72%")
    assert page.evaluate("window.shifted()") < 0.01


@pytest.mark.parametrize("name", ["list", "job"])
def test_an_end_shifts_nothing(open_page: Open, running: BatchJob, name: str) -> None:
    page = open_page(PAGES[name].format(pk=running.pk), has_clock=True)
    page.evaluate(OBSERVE)
    running.transition(Status.COMPLETED, verb="reported", processed_record_count=1000)
    let_time_pass(page)
    expect(page.locator("main")).to_contain_text("100%")
    assert page.evaluate("window.shifted()") < 0.01


@pytest.mark.parametrize("font", FONTS)
def test_minutes_that_pass_move_no_column(open_page: Open, running: BatchJob, font: str) -> None:
    BatchJob.objects.update(created_at=timezone.now(), status_changed_at=timezone.now())
    page = open_page("/healthz", is_first=True)
    set_in(page, font)
    page.clock.install()
    page.goto(PAGES["list"])
    before = page.evaluate(HEADINGS)
    page.clock.fast_forward("10:30")
    expect(page.locator("time[data-relative]").first).to_have_text(re.compile(r"^1\d min"))
    assert page.evaluate(HEADINGS) == pytest.approx(before, abs=1)  # pixels


def test_the_font_that_comes_late_shifts_nothing(open_page: Open, running: BatchJob) -> None:
    page = open_page("/healthz", is_first=True)
    held: list[Route] = []
    page.route("**/*.woff2", lambda route: held.append(route))
    page.goto(PAGES["list"], wait_until="domcontentloaded")
    page.get_by_text("Last updated").wait_for()
    assert not page.evaluate(HAS_OUR_FONT)
    page.evaluate(OBSERVE)
    for route in held:
        route.continue_()
    page.wait_for_function(HAS_OUR_FONT)
    assert page.evaluate("window.shifted()") < 0.01


def test_a_shift_is_noticed(open_page: Open, running: BatchJob) -> None:
    page = open_page(PAGES["list"])
    page.evaluate(OBSERVE)
    page.evaluate("document.getElementById('job-list').style.marginTop = '200px'")
    page.wait_for_function("() => window.shifted() > 0.01")
