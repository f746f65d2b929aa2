"""What is refused, or not answered at all, is said in the place that asked for it."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from batchconsole.jobs.models import Connection
from tests.browser.conftest import MakeJob, Open

FRAGMENT = '<div class="alert" role="alert" data-refused><div class="alert-content"><strong>No permission</strong><p>You need the right “read”.</p></div></div>'  # noqa: E501


@pytest.fixture
def models(open_page: Open, connection: Connection) -> Page:
    return open_page("/local/models/")


def find(page: Page, text: str) -> None:
    page.locator("#model-find").fill(text)


@pytest.mark.parametrize(
    ("answer", "words", "may_retry"),
    [
        ({"status": 403, "content_type": "text/html", "body": FRAGMENT}, "You need the right “read”.", False),
        ({"status": 404, "content_type": "text/html", "body": "<h1>Not here</h1>"}, "It may have been removed", False),
        (
            {"status": 413, "content_type": "text/plain", "body": "The request is too large: 9 bytes."},
            "9 bytes.",
            False,
        ),
        ({"status": 429}, "Too many requests", True),
        ({"status": 502, "content_type": "text/html", "body": "<h1>nginx</h1>"}, "The console does not answer", True),
        ({"status": 500}, "The console answered 500.", True),
    ],
    ids=["in our words", "a page of somebody's", "in plain text", "too many", "from a proxy", "without a word"],
)
def test_a_refusal_stands_in_the_part_that_asked(
    models: Page, answer: dict[str, Any], words: str, may_retry: bool
) -> None:
    models.route("**/local/models/?*", lambda route: route.fulfill(**answer))
    find(models, "nova")
    alert = models.locator("#model-list").get_by_role("alert")
    expect(alert).to_contain_text(words)
    assert alert.get_by_role("button", name="Retry").count() == may_retry


def test_a_lost_network_is_said_once_and_retry_brings_the_part_and_the_focus(models: Page) -> None:
    models.route("**/local/models/?*", lambda route: route.abort())
    find(models, "nova")
    retry = models.locator("#model-list").get_by_role("button", name="Retry")
    retry.press("Enter")
    expect(models.get_by_role("alert")).to_have_count(1)
    expect(retry).to_be_focused()
    models.unroute_all()
    retry.press("Enter")
    expect(models.get_by_role("alert")).to_have_count(0)
    expect(models.locator("#model-list")).to_be_focused()
    expect(models.locator("#live-status")).to_contain_text("matches")


def test_a_dialog_that_cannot_be_shown_says_why_and_comes_after_a_retry(open_page: Open, make_job: MakeJob) -> None:
    page = open_page(make_job("nightly", "InProgress").get_absolute_url())
    page.route("**/stop/", lambda route: route.fulfill(status=503, content_type="text/plain", body="Busy.\n"))
    page.get_by_role("link", name="Stop job").click()
    refused = page.get_by_role("dialog", name="The request was refused")
    expect(refused).to_contain_text("Busy.")
    page.unroute_all()
    refused.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("dialog", name="Stop job")).to_contain_text("nightly")


def test_a_field_that_cannot_be_judged_says_so(open_page: Open, connection: Connection) -> None:
    page = open_page("/local/jobs/create/")
    page.route("**/check/job_name/", lambda route: route.abort())
    page.locator("#id_job_name").fill("a name")
    page.locator("#id_job_name").press("Tab")
    field = page.locator("#div_id_job_name")
    expect(field.get_by_role("alert")).to_contain_text("The console does not answer")
    page.unroute_all()
    field.get_by_role("button", name="Retry").click()
    expect(field).to_contain_text("Valid characters are")
    expect(field.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#id_job_name")).to_be_focused()
