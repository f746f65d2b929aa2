"""The usage page: what it shows, what it is asked for, and what it hands out."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client

from batchconsole.console.kit.amounts import compact, usd
from batchconsole.console.usage.chart import buckets
from batchconsole.console.usage.query import UsageQuery
from batchconsole.jobs.costs.usage import Days
from batchconsole.jobs.models import Connection
from tests.console.conftest import MakeJob

TODAY = date(2026, 10, 15)
URL = "/local/usage/"


def used(make_job: MakeJob, cost: str | None = "1.25", **fields: Any) -> None:
    make_job(
        **{
            "end_time": datetime.now(UTC) - timedelta(days=1),
            "input_token_count": 1_234_567,
            "output_token_count": 89,
            "cost_usd": cost and Decimal(cost),
            **fields,
        }
    )


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def query(string: str = "") -> UsageQuery:
    return UsageQuery.read(QueryDict(string), TODAY)


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_it_works(client: Client, make_job: MakeJob) -> None:
    used(make_job)
    page = text(client.get(URL))
    assert "$1.25" in page
    assert "1,234,567" in page
    assert "Nova Lite" in page


def test_it_needs_a_sign_in(connection: Connection) -> None:
    assert Client().get(URL).status_code == 302


def test_without_usage_it_says_so(client: Client, connection: Connection) -> None:
    page = text(client.get(URL))
    assert "No usage" in page
    assert '<svg class="chart' not in page


def test_an_unknown_cost_is_a_word_and_not_a_zero(client: Client, make_job: MakeJob) -> None:
    used(make_job, cost=None)
    page = text(client.get(URL))
    assert "unknown" in page
    assert "1 job without a known price" in page
    assert "$0" not in page


def test_a_partly_known_cost_says_what_it_leaves_out(client: Client, make_job: MakeJob) -> None:
    used(make_job)
    for _ in range(3):
        used(make_job, cost=None)
    page = text(client.get(URL))
    assert "Does not include 3 jobs without a known price" in page
    assert "$1.25" in page


def test_an_administrator_is_led_to_the_price(client: Client, make_job: MakeJob, person: User) -> None:
    used(make_job, cost=None)
    assert "/admin/jobs/modelprice/add/" not in text(client.get(URL))
    User.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=True)
    assert "/admin/jobs/modelprice/add/" in text(client.get(URL))


def test_without_any_known_cost_the_chart_shows_tokens(client: Client, make_job: MakeJob) -> None:
    used(make_job, cost=None)
    assert "Tokens per day" in text(client.get(URL))


def test_htmx_gets_the_fragment_and_an_announcement(client: Client, make_job: MakeJob) -> None:
    used(make_job)
    page = text(client.get(URL, headers={"HX-Request": "true"}))
    assert "<html" not in page
    assert 'hx-swap-oob="innerHTML:#live-status"' in page


@pytest.mark.parametrize("by", ["day", "model", "person", "tag"])
def test_every_grouping_renders(client: Client, make_job: MakeJob, by: str) -> None:
    used(make_job, tags=[{"key": "team", "value": "<nlp>"}])
    used(make_job, created_by=None)
    page = text(client.get(URL, {"group": by}))
    assert ("&lt;nlp&gt;" in page) is (by == "tag")


@pytest.mark.parametrize(
    "string", ["range=7d", "range=12m", "from=2020-01-01&to=2029-12-31", "from=2026-10-03&to=2026-10-03"]
)
def test_every_range_renders(client: Client, make_job: MakeJob, string: str) -> None:
    used(make_job)
    used(make_job, end_time=datetime(2026, 10, 3, tzinfo=UTC))
    assert client.get(f"{URL}?{string}").status_code == 200


def test_many_groups_come_in_pages(client: Client, make_job: MakeJob) -> None:
    for number in range(25):
        used(make_job, model_id=f"vendor.model-{number:02}")
    first, second = text(client.get(URL)), text(client.get(URL, {"page": "2"}))
    row = re.compile('<th scope="row"><a[^>]*>vendor')
    assert (len(row.findall(first)), len(row.findall(second))) == (20, 5)


def test_the_totals_come_as_csv_by_day_and_group(client: Client, make_job: MakeJob) -> None:
    used(make_job)
    used(make_job, cost=None)
    [row] = rows(client.get(f"{URL}totals.csv", {"group": "model"}))
    assert row["Model"] == "amazon.nova-lite-v1:0"
    assert (row["jobs"], row["cost_usd"], row["jobs_without_price"]) == ("2", "1.250000", "1")


def test_every_job_comes_as_csv_and_an_unknown_cost_is_empty(client: Client, make_job: MakeJob) -> None:
    used(make_job, cost=None, job_name="nightly")
    [row] = rows(client.get(f"{URL}jobs.csv"))
    assert (row["job_name"], row["cost_usd"], row["input_tokens"]) == ("nightly", "", "1234567")


def test_a_tag_that_looks_like_a_formula_is_disarmed(client: Client, make_job: MakeJob) -> None:
    used(make_job, tags=[{"key": "team", "value": "=1+1"}])
    [row] = rows(client.get(f"{URL}totals.csv", {"group": "tag"}))
    assert row["team"] == "'=1+1"


def test_the_dearest_jobs_are_listed_with_the_zone_of_their_times(client: Client, make_job: MakeJob) -> None:
    for number in range(12):
        used(make_job, cost=f"{number}.5", job_name=f"job-{number:02}")
    used(make_job, cost=None, job_name="unknown")
    page = text(client.get(URL))
    section = page[page.index('id="usage-jobs-title"') :]
    assert re.findall(r">(job-\d\d|unknown)<", section) == [f"job-{number:02}" for number in range(11, 1, -1)]
    assert "End time (UTC)" in section


@pytest.mark.parametrize(
    ("string", "found"),
    [
        ("group=model", ["dear", "cheap", "other"]),
        ("group=person", ["dear", "cheap", "other"]),
        ("group=tag&tag=team", ["dear"]),
        ("group=day", ["dear", "cheap", "other"]),
    ],
)
def test_a_row_leads_to_its_jobs(client: Client, make_job: MakeJob, string: str, found: list[str]) -> None:
    used(make_job, cost="2", job_name="dear", tags=[{"key": "team", "value": "nlp & search"}])
    used(make_job, cost="1", job_name="cheap")
    used(make_job, cost="3", job_name="earlier", end_time=datetime.now(UTC) - timedelta(days=40))
    used(make_job, cost="0.5", job_name="other", model_id="us.amazon.nova-lite-v1:0")
    page = text(client.get(f"{URL}?{string}"))
    table = page[page.index('id="usage-table-title"') : page.index("usage-jobs-title")]
    link = unescape(re.findall(r'<th scope="row"><a href="([^"]+)', table)[0])
    jobs = text(client.get(link))
    assert "Part of the address was ignored" not in jobs
    assert re.findall(r'aria-label="Select job ([\w-]+)"', jobs) == found


def test_there_is_no_other_export(client: Client, connection: Connection) -> None:
    assert client.get(f"{URL}secrets.csv").status_code == 404


def test_the_default_is_the_last_thirty_days_by_model() -> None:
    found = query()
    assert (found.range, found.days, found.by) == ("30d", Days(date(2026, 9, 16), TODAY), "model")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("7d", date(2026, 10, 9), TODAY),
        ("month", date(2026, 10, 1), TODAY),
        ("last-month", date(2026, 9, 1), date(2026, 9, 30)),
        ("year", date(2026, 1, 1), TODAY),
        ("12m", date(2025, 10, 16), TODAY),
    ],
)
def test_named_ranges(name: str, first: date, last: date) -> None:
    assert query(f"range={name}").days == Days(first, last)


@pytest.mark.parametrize(
    "string", ["range=ever&group=colour&measure=joy&page=-1", "from=yesterday&to=2026-13-01", "from=9999-12-31"]
)
def test_invalid_parts_are_dropped(string: str) -> None:
    assert query(string) == query()


def test_the_order_of_the_days_does_not_matter() -> None:
    assert query("from=2026-10-05&to=2026-10-01").days == Days(date(2026, 10, 1), date(2026, 10, 5))


def test_one_day_alone_reaches_to_today() -> None:
    assert query("from=2026-10-05").days == Days(date(2026, 10, 5), TODAY)


def test_a_named_range_keeps_its_name_until_its_days_are_changed() -> None:
    assert query("range=month&from=2026-10-01&to=2026-10-15").range == "month"
    assert query("range=month&from=2026-10-02&to=2026-10-15").range == ""


def test_a_range_is_no_longer_than_ten_years() -> None:
    assert len(query("from=0001-01-01&to=2026-10-15").days) == 3660


def test_a_query_written_and_read_is_the_same() -> None:
    asked = query("from=2026-01-01&to=2026-10-01&group=tag&tag=a%20b&measure=tokens&page=3")
    assert query(asked.string) == asked


@pytest.mark.parametrize(("days", "titles"), [(3, 3), (62, 62), (63, 10), (366, 53), (800, 27)])
def test_long_ranges_are_drawn_by_week_or_month(days: int, titles: int) -> None:
    found = list(buckets(Days(TODAY - timedelta(days=days - 1), TODAY)))
    assert len(found) == titles
    assert sum(len(bucket.days) for bucket in found) == days


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [
        (None, 2, "unknown"),
        (Decimal("1234.5"), 2, "$1,234.50"),
        (Decimal("0.000123"), None, "$0.000123"),
        (Decimal("0.001"), 2, "<$0.01"),
        (Decimal(0), 2, "$0.00"),
        (Decimal(0), None, "$0.00"),
    ],
)
def test_dollars(amount: Decimal | None, decimals: int | None, expected: str) -> None:
    assert usd(amount, decimals) == expected


def test_large_numbers() -> None:
    assert [compact(value) for value in (0, 950, 12_300, 4_500_000, 2e9)] == ["0", "950", "12.3k", "4.5M", "2B"]


def test_jobs_whose_tags_are_not_read_yet_are_a_group_of_their_own(client: Client, make_job: MakeJob) -> None:
    used(make_job, tags=[{"key": "team", "value": "nlp"}])
    used(make_job, tags_unread=True)
    page = text(client.get(URL, {"group": "tag", "tag": "team"}))
    assert "Tags not read yet" in page
    assert "The tags of 1 job created elsewhere are not read yet." in page
    assert "No tag team" not in page
    exported = rows(client.get(f"{URL}jobs.csv"))
    assert {row["tags"] for row in exported} == {"team=nlp", "not read yet"}
