"""The chart of the usage page, with a bar per day, week or month, and the same data as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from typing import Any

from batchconsole.console.kit.amounts import compact, decimals_for, usd, usd_ticks
from batchconsole.console.kit.charts import Chart, Series, StackedBars
from batchconsole.console.usage.query import COST, MEASURES, TOKENS
from batchconsole.jobs.costs.usage import Days, Group, Totals, Usage

# The number of colors that people can still tell apart; all other groups share one more.
MOST_SERIES = 5
# Up to these numbers of days, a bar is a day or a week; beyond, a month.
DAILY, WEEKLY = 62, 400
OTHERS = "All others"


@dataclass(frozen=True)
class Bucket:
    """The days of one bar."""

    days: Days
    label: str
    title: str


@dataclass(frozen=True)
class UsageChart:
    """One measure of *usage* over *days*, stacked by group, or as a single series with ``is_whole``.

    ``name_of`` returns the display name of a group.
    """

    usage: Usage
    days: Days
    measure: str
    is_whole: bool
    name_of: Callable[[Group], str]

    @property
    def title(self) -> str:
        return f"{MEASURES[self.measure]} per {unit(self.days)}"

    @cached_property
    def drawing(self) -> Chart:
        labels, titles = [each.label for each in self.buckets], [each.title for each in self.buckets]
        return StackedBars(labels, titles, self.series, self.show, self.show_ticks).draw()

    @property
    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """The chart as a table: the title of each bar and the value of each series, a hyphen for zero."""
        for position, bucket in enumerate(self.buckets):
            values = [each.values[position] for each in self.series]
            yield bucket.title, [self.show(value) if value else "-" for value in values]

    @cached_property
    def buckets(self) -> list[Bucket]:
        return list(buckets(self.days))

    @cached_property
    def series(self) -> list[Series]:
        """One series for each of the largest groups, and one for all others."""
        everything = [self._amount(self.usage.by_day, bucket) for bucket in self.buckets]
        if self.is_whole:
            return [Series(MEASURES[self.measure], everything)]
        ranked = sorted(self.usage.by_group, key=lambda group: -self._value(self.usage.by_group[group]))
        series = [self._of(group) for group in ranked[:MOST_SERIES]]
        if len(ranked) <= MOST_SERIES:
            return series
        columns = zip(everything, *(each.values for each in series), strict=True)
        return [*series, Series(OTHERS, [max(0.0, round(whole - sum(parts), 6)) for whole, *parts in columns])]

    def _of(self, group: Group) -> Series:
        return Series(self.name_of(group), [self._amount(self.usage.by_both, each, group) for each in self.buckets])

    def _amount(self, totals: dict[Any, Totals], bucket: Bucket, group: Group | None = None) -> float:
        keys: Iterator[Any] = ((day, group) if group else day for day in bucket.days)
        return sum(self._value(totals[key]) for key in keys if key in totals)

    def _value(self, totals: Totals) -> float:
        return float(totals.cost_usd or 0) if self.measure == COST else float(totals.tokens)

    def show(self, value: float) -> str:
        """Format a value in dollars, with the same decimals for all values, or in tokens."""
        return usd(_decimal(value), self.decimals) if self.measure == COST else compact(value)

    @cached_property
    def decimals(self) -> int:
        return decimals_for(_decimal(max(each.values)) for each in self.series)

    def show_ticks(self, values: list[float]) -> list[str]:
        """Format the round values of the axis, all with the same decimals."""
        if self.measure == TOKENS:
            return [compact(value) for value in values]
        return usd_ticks(values)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))


def unit(days: Days) -> str:
    """Return the unit of one bar."""
    if len(days) <= DAILY:
        return "day"
    return "week" if len(days) <= WEEKLY else "month"


UNITS: dict[str, Callable[[date], Any]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: (day.year, day.month),
}


def buckets(days: Days) -> Iterator[Bucket]:
    """Split *days* into days, weeks that start on Monday, or months; the first and last one may be incomplete."""
    kind = unit(days)
    for _, members in groupby(days, key=UNITS[kind]):
        found = list(members)
        label = f"{found[0]:%b %Y}" if kind == "month" else f"{found[0]:%b} {found[0].day}"
        yield Bucket(Days(found[0], found[-1]), label, _title(kind, found))


def _title(kind: str, days: Sequence[date]) -> str:
    if kind == "month":
        return f"{days[0]:%B %Y}"
    return day_title(days[0]) if len(days) == 1 else f"{day_title(days[0])} to {day_title(days[-1])}"


def day_title(day: date) -> str:
    """``October 3, 2026``."""
    return f"{day:%B} {day.day}, {day.year}"
