"""Pagination of sets too large to count: rows are counted up to a bound, and the page says if there are more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import OrderBy

from batchconsole.console.kit.numbers import read_number

LOOK_AHEAD = 1000  # the count stops at the next multiple of this after the current page
LAST_PAGE = 10_000


@dataclass(frozen=True)
class Page:
    """One page of rows; if ``has_more`` is true, ``count`` is a lower bound."""

    rows: list[Any]
    number: int
    size: int
    count: int
    has_more: bool

    @property
    def last(self) -> int:
        """The last known page."""
        return max(1, -(-self.count // self.size))

    @property
    def count_text(self) -> str:
        return f"{self.count:,}{'+' if self.has_more else ''}"

    @property
    def displaying(self) -> str:
        """The page's description for screen readers: ``Displaying items 1 to 20 of 150``."""
        if not self.rows:
            return "Displaying no items"
        first = (self.number - 1) * self.size + 1
        return f"Displaying items {first:,} to {first + len(self.rows) - 1:,} of {self.count_text}"

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    def numbers(self) -> Iterator[int | None]:
        """Yield the page numbers to link to: both ends and those near this page; None stands for a gap."""
        shown = sorted({1, self.last, *range(max(1, self.number - 2), min(self.last, self.number + 2) + 1)})
        for before, number in zip([0, *shown], shown, strict=False):
            if number - before > 1:
                yield None
            yield number


def paginate(
    rows: QuerySet[Any],
    *,
    number: int,
    size: int,
    order: Callable[[bool], Sequence[str | OrderBy]] | None = None,
    whole: QuerySet[Any] | None = None,
) -> Page:
    """Read page *number* of *rows* with two queries; a number past the end returns the last page.

    *order* gets whether there are more rows than were counted, and returns the arguments for ``order_by()``. With
    *whole*, a query for complete rows of the same model, a third query reads those of the page by key: a database that
    has to sort many rows then sorts their keys, and joins other tables to one page only.
    """
    number = min(max(number, 1), LAST_PAGE)
    limit = (number * size // LOOK_AHEAD + 1) * LOOK_AHEAD
    count = rows.order_by().values("pk")[: limit + 1].count()
    number = min(number, max(1, -(-count // size)))
    rows = rows.order_by(*order(count > limit)) if order else rows
    shown = rows[(number - 1) * size : number * size]
    found = list(shown) if whole is None else _by_key(whole, list(shown.values_list("pk", flat=True)))
    return Page(rows=found, number=number, size=size, count=min(count, limit), has_more=count > limit)


def _by_key(whole: QuerySet[Any], keys: list[Any]) -> list[Any]:
    """Return the rows with *keys* in their order, without those that are gone."""
    found = whole.in_bulk(keys)
    return [found[key] for key in keys if key in found]


def page_of(rows: Sequence[Any], *, number: int, size: int) -> Page:
    """Return page *number* of *rows* in memory; a number past the end returns the last page."""
    number = min(max(number, 1), max(1, -(-len(rows) // size)))
    start = (number - 1) * size
    return Page(rows=list(rows[start : start + size]), number=number, size=size, count=len(rows), has_more=False)


def bounded(rows: QuerySet[Any]) -> str:
    """Return the number of rows as text, up to a bound: ``37``, ``1,000+``."""
    return bounded_text(rows.order_by().values("pk")[: LOOK_AHEAD + 1].count())


def bounded_text(count: int, limit: int = LOOK_AHEAD) -> str:
    return f"{limit:,}+" if count > limit else f"{count:,}"


def page_number(text: str) -> int:
    """Return the page number in *text*, or 1 if it is invalid."""
    return read_number(text, 1) if len(text) < 9 else 1
