"""Records all the way in a real Chromium over a real `up`: caught in the form, mended, failed, resent, downloaded."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.databases import MigratedDatabase
from tests.jobs.conftest import converse_lines
from tests.localbedrock.model_server import ModelServer, Reply, chat, serving
from tests.running import Up, up

BUCKET = "batchconsole-samples"
KEY = "night/prompts.jsonl"
RECORDS, REFUSED = 120, 12
FORM = "local/jobs/create/?model_id=amazon.nova-micro-v1:0&model_invocation_type=Converse"
WITHIN = 60_000  # milliseconds


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A model that has a bad night: it refuses the numbers below twelve."""
    with serving() as server:
        server.reply = refuse_some
        yield server


def refuse_some(path: str, body: Any) -> Reply:
    said = re.search(r"Say the number (\d+)", body["messages"][-1]["content"])
    return (400, {"error": {"message": "Not tonight."}}) if said and int(said[1]) < REFUSED else chat()


@pytest.fixture(scope="module")
def running(
    model: ModelServer,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    migrated_database: MigratedDatabase,
) -> Iterator[Up]:
    folder = migrated_database.put_into(tmp_path_factory.mktemp("records") / "data")
    with up(folder, "--model", model.url) as started:
        yield started


@pytest.fixture
def page(running: Up, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=running.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(running.link)
    page.get_by_role("button", name="Sign in", exact=True).click()
    yield page
    context.close()


def put(running: Up, data: bytes) -> None:
    client = running.client("s3")
    client.put_object(Bucket=BUCKET, Key=KEY, Body=data)


def test_what_failed_is_resent_and_the_merged_download_is_complete(running: Up, model: ModelServer, page: Page) -> None:
    put(running, b"[" + converse_lines(RECORDS).replace(b"\n", b",\n") + b"]")
    open_form(page)
    check(page, re.compile(r"\d+ errors? "))
    put(running, converse_lines(RECORDS))
    check(page, f"No problems in {RECORDS} records")
    original = submit(page, f"Completed with errors: {REFUSED} of {RECORDS}")
    model.reply = lambda path, body: chat("Now it works.")
    resend_failed(page)
    submit(page, "Completed")
    page.goto(f"{original}?tab=results")
    answers = download_with_resends(page)
    assert len(answers) == RECORDS
    assert sum(answer == "Now it works." for answer in answers.values()) == REFUSED


def open_form(page: Page) -> None:
    page.goto(f"{FORM}&input_s3_uri=s3://{BUCKET}/{KEY}&output_s3_uri=s3://{BUCKET}/night-out/")
    page.get_by_role("textbox", name="Job name").fill("night")
    page.get_by_role("combobox", name="Service role").select_option(label=BUCKET)


def check(page: Page, outcome: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name="Check input").click()
    expect(page.locator("#input-check")).to_contain_text(outcome, timeout=WITHIN)


def submit(page: Page, outcome: str) -> str:
    """Create the job of the form, wait for its end, and give the URL of its page."""
    page.get_by_role("button", name="Create batch inference job").click()
    expect(page).to_have_url(re.compile(r"/local/jobs/\d+/$"))
    expect(page.locator(".key-values .status-indicator").first).to_have_text(outcome, timeout=WITHIN)
    return page.url


def resend_failed(page: Page) -> None:
    """From the page of a job to the filled in form of one that resends what failed, filled up to a hundred."""
    page.get_by_role("link", name="Results").click()
    page.get_by_role("link", name="Resend records").click()
    expect(page.get_by_label(f"Failed records ({REFUSED})")).to_be_checked()
    page.get_by_role("button", name="Make new input").click()
    expect(page.get_by_role("textbox", name="Job name")).to_have_value("night-resend-2", timeout=WITHIN)
    page.get_by_role("textbox", name="Job name").fill("night-again")


def download_with_resends(page: Page) -> dict[str, str]:
    """The answers by recordId in the file that joins a job with its resends."""
    page.get_by_text("Download", exact=True).click()
    links = page.get_by_role("link", name="JSON Lines")
    with page.expect_download() as download:
        links.last.click()
    rows = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert {row["outcome"] for row in rows} == {"answered"}
    return {row["record_id"]: row["answer"] for row in rows}
