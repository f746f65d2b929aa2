"""Making batch input in Chromium: the file is read when it is chosen, the preview follows the typing."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from batchconsole.aws import s3
from batchconsole.jobs.models import Connection
from tests.browser.conftest import Open

URL = "/local/input/new/"
CSV = b"id,review\n" + b"".join(b"r-%d,The kettle boils %d times.\n" % (number, number) for number in range(120))


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def bucket(connection: Connection, aws_endpoint: str) -> str:
    Connection.objects.update(endpoint_url=aws_endpoint)
    connection.refresh_from_db()
    name = f"making-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    return name


@pytest.fixture
def page(open_page: Open, bucket: str) -> Page:
    """The page with a file chosen."""
    page = open_page(URL)
    page.set_input_files("#id_file", {"name": "reviews.csv", "mimeType": "text/csv", "buffer": CSV})
    expect(page.locator(".making-look")).to_contain_text("CSV with 2 columns")
    return page


def test_a_chosen_file_is_read_at_once_and_said_out_loud(page: Page) -> None:
    expect(page.locator("#live-status")).to_have_text("CSV with 2 columns")
    expect(page.locator("#id_template")).to_have_value("{review}")
    expect(page.locator("#making-preview")).to_contain_text("The kettle boils 0 times.")


def test_the_preview_follows_the_prompt(page: Page) -> None:
    page.fill("#id_template", "Is it good? ")
    page.click("[data-column=review]")
    expect(page.locator("#id_template")).to_have_value("Is it good? {review}")
    expect(page.locator("#making-preview")).to_contain_text("Is it good? The kettle boils 2 times.")
    page.fill("#id_template", "{reveiw}")
    expect(page.locator("#making-preview")).to_contain_text("There is no column reveiw.")


def test_the_records_are_written_and_put_into_the_create_form(page: Page, bucket: str) -> None:
    page.fill("#id_output_s3_uri", f"s3://{bucket}/made/")
    page.get_by_role("button", name="Write to S3").click()
    expect(page).to_have_url(re.compile("/local/jobs/create/"))
    expect(page.locator("#id_input_s3_uri")).to_have_value(f"s3://{bucket}/made/reviews.jsonl")
    expect(page.get_by_label("Converse")).to_be_checked()


def test_an_upload_can_be_taken_back(page: Page) -> None:
    page.get_by_role("button", name="Remove reviews.csv").click()
    expect(page.locator(".making-file")).to_have_count(0)
    expect(page.locator("#making-preview")).to_contain_text("Choose a source")


def test_leaving_with_a_file_asks_first(page: Page) -> None:
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("#leave-page")).to_be_visible()
