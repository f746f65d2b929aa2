"""The usage page in Chromium: the filter works in place, the address is the state, and nothing is for eyes only."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeJob, Open

URL = "/local/usage/"


@pytest.fixture
def used(make_job: MakeJob) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    counts = {"end_time": yesterday, "input_token_count": 1_000_000, "output_token_count": 50_000}
    make_job("priced", cost_usd=Decimal("12.5"), **counts)
    make_job("unpriced", model_id="unheard.of-v1", tags=[{"key": "team", "value": "nlp"}], **counts)


def test_grouping_works_in_place_and_is_said_out_loud(used: None, open_page: Open) -> None:
    page = open_page(URL)
    page.focus("#usage-group")
    page.select_option("#usage-group", "person")
    expect(page).to_have_url(re.compile("group=person"))
    expect(page.locator("#usage-table-title")).to_contain_text("By person")
    expect(page.locator("#live-status")).to_contain_text("2 jobs ended")
    expect(page.locator("#usage-group")).to_be_focused()


def test_going_back_goes_back(used: None, open_page: Open) -> None:
    page = open_page(URL)
    page.click("#range-12m")
    expect(page.locator("#usage-chart-title")).to_have_text("Cost per week")
    page.go_back()
    expect(page.locator("#usage-chart-title")).to_have_text("Cost per day")


def test_a_bar_says_what_it_is(used: None, open_page: Open) -> None:
    page = open_page(URL)
    expect(page.locator(".chart-bar title")).to_have_text(re.compile(r": Nova Lite, \$12\.50"))
