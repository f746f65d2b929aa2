"""The main job as a person does it: a real `up` with the real model, a real Chromium, and then boto3 and S3."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.running import Up, up

BUCKET = "batchconsole-samples"
QUESTION = "What is the capital of France?"
ENDS_WITHIN = 10 * 60 * 1000  # milliseconds; the model may have one busy processor to itself, or less


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A first start, with the sample and the real model."""
    with up(tmp_path_factory.mktemp("end-to-end") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def person(running: Up, browser: Browser) -> Iterator[Page]:
    """Somebody who has followed the link that `up` has printed."""
    context: BrowserContext = browser.new_context(base_url=running.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(running.link)
    page.get_by_role("button", name="Sign in", exact=True).click()
    yield page
    context.close()


@pytest.fixture(scope="module")
def job(running: Up, person: Page) -> dict[str, Any]:
    """What AWS says of a job that was made with the form and has ended, and the URL of its page."""
    fill_in(person, "capital-cities")
    person.get_by_role("button", name="Create batch inference job").click()
    expect(person).to_have_url(re.compile(r"/local/jobs/\d+/$"))
    expect(status(person)).to_have_text("Completed", timeout=ENDS_WITHIN)
    jobs = running.client("bedrock").list_model_invocation_jobs()
    found = next(item for item in jobs["invocationJobSummaries"] if item["jobName"] == "capital-cities")
    return dict(found) | {"url": person.url}


def fill_in(page: Page, job_name: str) -> None:
    """Fill in the create-job form with mouse and keyboard, as somebody who types no identifier by heart."""
    page.goto("local/jobs/")
    page.get_by_role("link", name="Create job").click()
    page.get_by_role("textbox", name="Job name").fill(job_name)
    choose_model(page, "Nova Lite", "amazon.nova-lite-v1:0")
    page.get_by_role("radio", name="Converse").check()
    choose_input(page, ["converse"], "questions.jsonl")
    output = page.get_by_role("region", name="Output data").get_by_role("textbox", name="S3 URI")
    output.fill(f"s3://{BUCKET}/answers/")
    page.get_by_role("combobox", name="Service role").select_option(label=BUCKET)


def choose_model(page: Page, words: str, model_id: str) -> None:
    page.get_by_role("button", name="Select model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill(words)
    expect(dialog.get_by_text("Claude")).to_have_count(0)  # the list has followed the words
    dialog.locator(f"[name=model_pick][value='{model_id}']").check()
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("textbox", name="Model")).to_have_value(model_id)


def choose_input(page: Page, folders: list[str], file: str) -> None:
    """Walk down from the list of buckets to one file, in the dialog of Browse S3."""
    page.get_by_role("region", name="Input data").get_by_role("button", name="Browse S3").click()
    dialog = page.get_by_role("dialog")
    for name in [BUCKET, *folders]:
        dialog.get_by_role("link", name=name).click()
    dialog.get_by_role("radio", name=f"Select {file}").check()
    dialog.get_by_role("button", name="Choose").click()


def status(page: Page) -> Any:
    return page.locator(".key-values .status-indicator").first


def answer_in_s3(running: Up, job: dict[str, Any]) -> str:
    """What the model has answered to QUESTION, read from the job's output as a program would."""
    s3 = running.client("s3")
    prefix = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix(f"s3://{BUCKET}/")
    key = f"{prefix}{job['jobArn'].rpartition('/')[2]}/questions.jsonl.out"
    lines = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().split("\n")
    records = [json.loads(line) for line in lines if line]
    found = next(record for record in records if QUESTION in json.dumps(record["modelInput"]))
    return str(found["modelOutput"]["output"]["message"]["content"][0]["text"])


def test_the_link_leads_to_the_overview(running: Up, person: Page) -> None:
    person.goto("/")
    expect(person.get_by_role("heading", level=1)).to_contain_text("Overview")
    person.get_by_role("link", name="Batch inference", exact=True).click()
    expect(person.get_by_role("link", name="welcome", exact=True)).to_be_visible()


def test_a_job_made_with_the_form_completes(job: dict[str, Any]) -> None:
    assert (job["status"], job["totalRecordCount"], job["successRecordCount"]) == ("Completed", 100, 100)


def test_its_page_says_100_of_100(job: dict[str, Any], person: Page) -> None:
    person.goto(job["url"])
    expect(person.get_by_role("main")).to_contain_text("100 of 100")


def test_its_answers_are_those_in_s3(running: Up, job: dict[str, Any], person: Page) -> None:
    person.goto(job["url"])
    person.get_by_role("link", name="Results").click()
    expect(person.get_by_role("main")).to_contain_text(answer_in_s3(running, job))


def test_the_list_shows_it_beside_the_welcome_job(job: dict[str, Any], person: Page) -> None:
    person.goto("local/jobs/")
    for name in (job["jobName"], "welcome"):
        row = person.get_by_role("row", name=re.compile(name))
        expect(row).to_contain_text("Completed", timeout=ENDS_WITHIN)
