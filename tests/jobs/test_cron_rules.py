"""The times of rules, above all where clocks change, and the placeholders of their jobs."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from batchconsole.jobs.repeating.cron_rules import CronRule, read_rule
from batchconsole.jobs.repeating.placeholders import Run, filled, filled_name, fixed_part

BERLIN = "Europe/Berlin"


def times(text: str, *, after: str, until: str, zone: str = BERLIN) -> list[str]:
    """The times of a rule on the clock of *zone*."""
    here = ZoneInfo(zone)
    start, end = (datetime.fromisoformat(each).replace(tzinfo=here) for each in (after, until))
    found = CronRule(text, zone).between(start.astimezone(UTC), end.astimezone(UTC), most=99)
    return [f"{each.astimezone(here):%d %H:%M %z}" for each in reversed(found)]


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        ("30 2 * * *", "2026-03-29", ["29 03:00 +0200"]),  # 02:30 does not exist
        ("30 2 * * *", "2026-10-25", ["25 02:30 +0200"]),  # 02:30 comes twice
        ("30 1 * * *", "2026-03-29", ["29 01:30 +0100"]),
        ("30 2-3 * * *", "2026-10-25", ["25 02:30 +0200", "25 03:30 +0100"]),
    ],
)
def test_a_time_that_the_clocks_skip_or_repeat_runs_once(text: str, day: str, expected: list[str]) -> None:
    assert times(text, after=f"{day}T00:00", until=f"{day}T23:59") == expected


def test_what_runs_every_hour_runs_in_both_hours() -> None:
    found = times("30 * * * *", after="2026-10-25T01:00", until="2026-10-25T03:00")
    assert found == ["25 01:30 +0200", "25 02:30 +0200", "25 02:30 +0100"]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
@pytest.mark.parametrize("text", ["30 2 * * *", "*/20 * * * *", "0 3 * * 0"])
def test_forward_and_backward_name_the_same_times(day: str, text: str) -> None:
    rule = CronRule(text, BERLIN)
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    end = start.replace(day=start.day + 1) if start.day < 28 else start.replace(hour=23)
    forward, at = [], rule.next_after(start)
    while at and at <= end:
        forward.append(at)
        at = rule.next_after(at)
    assert rule.between(start, end, most=999) == forward[::-1]


def test_the_end_belongs_to_the_span_and_the_beginning_does_not() -> None:
    at = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
    rule = CronRule("0 * * * *", "UTC")
    assert rule.between(at.replace(hour=2), at, most=9) == [at]
    assert rule.between(at, at.replace(minute=59, second=59, microsecond=600_000), most=9) == []


def test_a_rule_is_told_in_words() -> None:
    assert read_rule(" 30  2 * * 1-5", "UTC").in_words() == "At 02:30 on Monday through Friday"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("s3://b/{date:%Y/%m}/{time:%H%M}/", "s3://b/2026/10/0230/"),
        ("{date}", "2026-10-25"),
        ("{{date}}", "{date}"),
        ("{file}", "März 1"),
    ],
)
def test_placeholders_are_filled_in(pattern: str, expected: str) -> None:
    moment = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(BERLIN))
    assert filled(pattern, Run(moment, "März 1")) == expected


def test_a_name_holds_what_names_may_hold() -> None:
    assert filled_name("j-{file}", Run(datetime(2026, 1, 1, tzinfo=UTC), "März 1")) == "j-M-rz-1"


def test_the_fixed_part_ends_at_the_first_placeholder() -> None:
    assert fixed_part("s3://b/{{x}}/out-{date}/") == "s3://b/{x}/out-"
