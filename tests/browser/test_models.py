"""The page of all models in Chromium: its filter and its headings work in place, and the address is the state."""

import re

from playwright.sync_api import expect

from batchconsole.jobs.models import Connection
from tests.browser.conftest import Open


def test_models_are_filtered_and_sorted_in_place(open_page: Open, connection: Connection) -> None:
    page = open_page("/local/models/")
    page.get_by_role("searchbox", name="Find model").press_sequentially("nova")
    expect(page).to_have_url(re.compile(r"/local/models/\?find=nova$"))
    expect(page.locator("#live-status")).to_have_text(re.compile(r"\d matches"))
    expect(page.locator("#model-list")).not_to_contain_text("Claude")
    page.get_by_role("link", name="Input price").press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Input price, sorted ascending")
    expect(page.locator("#sort-input_price")).to_be_focused()
    page.get_by_label("Only models that support batch inference here").check()
    expect(page).to_have_url(re.compile(r"find=nova&batch=1&sort=input_price$"))
    page.go_back()
    expect(page.get_by_label("Only models that support batch inference here")).not_to_be_checked()


def test_a_wide_table_is_printed_whole_and_without_controls(open_page: Open, connection: Connection) -> None:
    page = open_page("/local/models/", viewport={"width": 718, "height": 1000})
    page.emulate_media(media="print")
    assert page.locator(".model-list").evaluate("table => table.scrollWidth") <= 718
    expect(page.get_by_role("columnheader", name="Price as of")).to_be_in_viewport(ratio=1)
    page.goto("/local/usage/")
    expect(page.get_by_label("Group by")).to_be_hidden()
