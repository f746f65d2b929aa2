"""The month's cost by day: what was, what is expected, and what last month's days cost."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from batchconsole.console.overview.cost_chart import CostChart, days_needed
from batchconsole.jobs.costs.usage import Cell, Group, Totals, Usage


def chart(today: date, costs: dict[date, str]) -> CostChart:
    cells = [Cell(day, Group(""), Totals(jobs=1, cost_usd=Decimal(cost))) for day, cost in costs.items()]
    return CostChart(Usage.of(cells), today)


@pytest.mark.parametrize(
    ("today", "first"),
    [("2026-03-01", "2026-02-01"), ("2026-01-31", "2025-12-01"), ("2024-03-31", "2024-02-01")],
)
def test_last_month_is_read_whole(today: str, first: str) -> None:
    assert days_needed(date.fromisoformat(today)).first == date.fromisoformat(first)


@pytest.mark.parametrize("today", ["2026-03-01", "2026-03-11", "2026-03-31", "2026-02-28", "2024-02-29"])
def test_the_forecast_is_the_mean_of_the_weekday(today: str) -> None:
    """Mondays cost 10 dollars and other days 1, for ever: so they are expected to, from whatever day on."""
    now = date.fromisoformat(today)
    costs = {day: "10" if day.weekday() == 0 else "1" for day in days_needed(now)}
    shown = chart(now, costs)
    expected = [10.0 if day.weekday() == 0 else 1.0 for day in shown.month]
    found = [so_far + forecast for so_far, forecast in zip(shown.so_far.values, shown.forecast.values, strict=True)]
    assert found[: len(expected)] == expected
    assert shown.sums[1] == f"${sum(expected):.2f}"


def test_a_short_month_leaves_room_for_the_longer_one_before() -> None:
    shown = chart(date(2026, 2, 10), {date(2026, 1, 31): "2", date(2026, 2, 10): "4"})
    rows = dict(shown.rows)
    assert len(rows) == shown.length == 31
    assert (rows[10][0], rows[31]) == ("$4.00", ["-", "-", "$2.00"])
    assert len(shown.drawing.strokes) == 30


def test_the_axis_reaches_what_last_month_cost() -> None:
    shown = chart(date(2026, 2, 10), {date(2026, 1, 5): "100", date(2026, 2, 1): "1"})
    assert min(stroke.y2 for stroke in shown.drawing.strokes) == 0


def test_a_connection_that_cost_nothing_is_empty() -> None:
    assert CostChart(Usage(by_day=defaultdict(Totals)), date(2026, 2, 10)).is_empty
    assert not chart(date(2026, 2, 10), {date(2026, 2, 10) - timedelta(days=40): "1"}).is_empty
