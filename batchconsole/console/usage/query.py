"""The query of the usage page. The query string is the only state; invalid parameters are ignored."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from batchconsole.console.kit.pagination import page_number
from batchconsole.jobs.costs.usage import DAY, GROUPINGS, MODEL, TAG, Days

COST, TOKENS = "cost", "tokens"
MEASURES = {COST: "Cost", TOKENS: "Tokens"}
GROUP_TITLES = dict(zip(GROUPINGS, ("Day", "Model", "Person", "Tag"), strict=True))
# The longest range: enough for any budget, and a limit for the work of one request.
MOST_DAYS = 10 * 366


def _last(days: int) -> Callable[[date], Days]:
    return lambda today: Days(today - timedelta(days=days - 1), today)


def _this_month(today: date) -> Days:
    return Days(today.replace(day=1), today)


def _last_month(today: date) -> Days:
    last = today.replace(day=1) - timedelta(days=1)
    return Days(last.replace(day=1), last)


def _this_year(today: date) -> Days:
    return Days(today.replace(month=1, day=1), today)


RANGES: dict[str, tuple[str, Callable[[date], Days]]] = {
    "7d": ("Last 7 days", _last(7)),
    "30d": ("Last 30 days", _last(30)),
    "month": ("This month", _this_month),
    "last-month": ("Last month", _last_month),
    "year": ("This year", _this_year),
    "12m": ("Last 12 months", _last(365)),
}
DEFAULT_RANGE = "30d"


@dataclass(frozen=True, kw_only=True)
class UsageQuery:
    """A range of days, a grouping and a measure. ``range`` is empty for custom days."""

    range: str
    days: Days
    by: str = MODEL
    tag: str = ""
    measure: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: QueryDict, today: date) -> Self:
        name, days = _range(query, today)
        return cls(
            range=name,
            days=days,
            by=known(query.get("group", ""), GROUPINGS, MODEL),
            tag=query.get("tag", "")[:128],
            measure=known(query.get("measure", ""), MEASURES, ""),
            page=page_number(query.get("page", "")),
        )

    def with_(self, **changes: Any) -> "UsageQuery":
        """Return the query with *changes*, on its first page unless they say otherwise."""
        return replace(self, **{"page": 1, **changes})

    @property
    def string(self) -> str:
        """The query as a query string, without a leading question mark."""
        own = {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        values = ({"range": self.range} if self.range else own) | {
            "group": self.by,
            "tag": self.tag if self.by == TAG else "",
            "measure": self.measure,
            "page": str(self.page) if self.page > 1 else "",
        }
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def is_by_day(self) -> bool:
        return self.by == DAY

    @property
    def is_by_tag(self) -> bool:
        return self.by == TAG


def known(value: str, values: Any, default: str) -> str:
    return value if value in values else default


def _range(query: QueryDict, today: date) -> tuple[str, Days]:
    """Return the range's name and days. Custom days that differ from the named range win and have an empty name."""
    name = known(query.get("range", ""), RANGES, "")
    named = RANGES[name or DEFAULT_RANGE][1](today)
    own = _days(query, today)
    if own is None or (name and own == named):
        return name or DEFAULT_RANGE, named
    return "", own


def _days(query: QueryDict, today: date) -> Days | None:
    """Return the days from ``from`` to ``to`` in either order; None if neither is a valid date."""
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    if first is None and last is None:
        return None
    first, last = sorted([first or last or today, last or today])
    return Days(max(first, last - timedelta(days=min(MOST_DAYS, last.toordinal()) - 1)), last)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < date.max else None
