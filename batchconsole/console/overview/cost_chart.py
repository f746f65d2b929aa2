"""The month's cost by day, with last month's and a forecast of the days to come, as a chart and as a table."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from batchconsole.console.kit.amounts import decimals_for, usd, usd_ticks
from batchconsole.console.kit.charts import Chart, Series, StackedBars
from batchconsole.jobs.costs.usage import Days, Usage

WEEKS = 4  # from which the forecast takes the mean of each weekday
ONE_DAY, ONE_WEEK = timedelta(days=1), timedelta(weeks=1)


def days_needed(today: date) -> Days:
    """Return the days whose usage the chart is made from: last month, and this one until *today* (UTC)."""
    return Days((today.replace(day=1) - ONE_DAY).replace(day=1), today)


@dataclass(frozen=True)
class CostChart:
    """The chart on *today*, from the *usage* of :func:`days_needed`."""

    usage: Usage
    today: date

    @cached_property
    def month(self) -> Days:
        first = self.today.replace(day=1)
        return Days(first, first.replace(day=monthrange(first.year, first.month)[1]))

    @cached_property
    def last_month(self) -> Days:
        last = self.month.first - ONE_DAY
        return Days(last.replace(day=1), last)

    @property
    def is_empty(self) -> bool:
        return not any(self._cost(day) for day in [*self.last_month, *self.month])

    @cached_property
    def drawing(self) -> Chart:
        labels = [str(number + 1) for number in range(self.length)]
        titles = [f"day {label}" for label in labels]
        bars = StackedBars(
            labels, titles, [self.so_far, self.forecast], self._show, usd_ticks, line=Series("Last month", self.before)
        )
        return bars.draw()

    @property
    def length(self) -> int:
        """The number of days that the chart has room for: those of the longer month."""
        return max(len(self.month), len(self.last_month))

    @cached_property
    def so_far(self) -> Series:
        values = [float(self._cost(day)) if day <= self.today else 0.0 for day in self.month]
        return Series("This month", self._filled(values))

    @cached_property
    def forecast(self) -> Series:
        values = [float(self._expected(day)) if day > self.today else 0.0 for day in self.month]
        return Series("Forecast", self._filled(values))

    @cached_property
    def before(self) -> list[float]:
        return [float(self._cost(day)) for day in self.last_month]

    def _filled(self, values: list[float]) -> list[float]:
        return values + [0.0] * (self.length - len(values))

    def _cost(self, day: date) -> Decimal:
        return (self.usage.by_day[day].cost_usd if day in self.usage.by_day else None) or Decimal(0)

    def _expected(self, day: date) -> Decimal:
        """Return the mean cost of the latest four days of the same weekday that are over."""
        weeks_ahead = (day - self.today).days // 7 + 1
        latest = day - weeks_ahead * ONE_WEEK
        return sum((self._cost(latest - week * ONE_WEEK) for week in range(WEEKS)), Decimal(0)) / WEEKS

    @property
    def sums(self) -> tuple[str, str, str]:
        """The costs of this month so far, of it as a whole by the forecast, and of last month."""
        so_far = sum((self._cost(day) for day in Days(self.month.first, self.today)), Decimal(0))
        to_come = sum((self._expected(day) for day in self.month if day > self.today), Decimal(0))
        before = sum((self._cost(day) for day in self.last_month), Decimal(0))
        decimals = decimals_for([so_far + to_come, before])
        return usd(so_far, decimals), usd(so_far + to_come, decimals), usd(before, decimals)

    @property
    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The chart as a table: the day of the month, then this month's cost, the forecast and last month's cost."""
        before = self._filled(self.before)
        for number, values in enumerate(zip(self.so_far.values, self.forecast.values, before, strict=True), 1):
            yield number, [self._show(value) if value else "-" for value in values]

    def _show(self, value: float) -> str:
        return usd(Decimal(str(round(value, 6))), self._decimals)

    @cached_property
    def _decimals(self) -> int:
        everything = [*self.so_far.values, *self.forecast.values, *self.before]
        return decimals_for(Decimal(str(round(value, 6))) for value in everything)
