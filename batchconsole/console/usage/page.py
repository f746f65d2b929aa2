"""The usage page: totals, table rows and chart of one connection for one query."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from batchconsole.console.kit.amounts import decimals_for
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import Page, page_of
from batchconsole.console.models.names import model_name
from batchconsole.console.usage.chart import OTHERS, UsageChart, day_title
from batchconsole.console.usage.query import COST, GROUP_TITLES, MEASURES, RANGES, TOKENS, UsageQuery
from batchconsole.jobs.costs.usage import (
    DAY,
    MODEL,
    PERSON,
    REST,
    TAG,
    UNREAD,
    Days,
    Group,
    Totals,
    Usage,
    cells,
    dearest,
    tag_keys,
)
from batchconsole.jobs.finding.narrowing import NOBODY
from batchconsole.jobs.finding.properties import ARCHIVED
from batchconsole.jobs.models import BatchJob, Connection

MOST_NAMES = 5
MOST_JOBS = 10


@dataclass(frozen=True)
class Choice:
    """One link in a row of choices."""

    name: str
    title: str
    query: str
    is_current: bool


@dataclass(frozen=True)
class UsageRow:
    """One row of the table."""

    name: str
    note: str
    url: str
    totals: Totals


class UsagePage:
    """The usage of one connection for *query*."""

    def __init__(self, connection: Connection, query: UsageQuery, *, page_size: int) -> None:
        self.connection = connection
        self.query = query
        self.page_size = page_size

    @cached_property
    def tag_keys(self) -> list[str]:
        return tag_keys(self.connection, self.query.days) if self.query.is_by_tag else []

    @property
    def unread_tags(self) -> int:
        """The number of jobs whose tags have not been read yet; they form a group of their own."""
        return self.usage.by_group[UNREAD].jobs if UNREAD in self.usage.by_group else 0

    @property
    def tag(self) -> str:
        """The tag key to group by: the requested one, or else the one on most jobs."""
        return self.query.tag or next(iter(self.tag_keys), "")

    @cached_property
    def usage(self) -> Usage:
        return Usage.of(cells(self.connection, self.query.days, by=self.query.by, tag=self.tag))

    @property
    def total(self) -> Totals:
        return self.usage.total

    @property
    def is_empty(self) -> bool:
        return not self.total.jobs

    @property
    def measure(self) -> str:
        """The measure of the chart: the requested one, or else cost, or tokens if no cost is known."""
        only_tokens = self.total.cost_usd is None and self.total.tokens > 0
        return self.query.measure or (TOKENS if only_tokens else COST)

    @property
    def decimals(self) -> int:
        return decimals_for(totals.cost_usd for totals in self.usage.by_group.values())

    @property
    def span(self) -> str:
        """The days as text: ``from October 1, 2026 to October 31, 2026``, ``on October 1, 2026``."""
        first, last = self.query.days.first, self.query.days.last
        return f"on {day_title(first)}" if first == last else f"from {day_title(first)} to {day_title(last)}"

    @property
    def unpriced_groups(self) -> list[Group]:
        """The models with unpriced jobs, most tokens first; empty unless the page is grouped by model."""
        found = [group for group, totals in self.usage.by_group.items() if totals.unpriced and self.query.by == MODEL]
        return sorted(found, key=lambda group: -self.usage.by_group[group].tokens)[:MOST_NAMES]

    # The choices.

    @property
    def tag_choices(self) -> list[str]:
        """The tag keys of the range, and the current one even if it is not among them."""
        return list(dict.fromkeys([*self.tag_keys, *([self.tag] if self.tag else [])]))

    @property
    def ranges(self) -> Iterator[Choice]:
        for name, (title, _) in RANGES.items():
            query = self.query.with_(range=name)
            yield Choice(name, title, query.string, name == self.query.range)

    @property
    def groupings(self) -> Iterator[Choice]:
        for name, title in GROUP_TITLES.items():
            yield Choice(name, title, self.query.with_(by=name).string, name == self.query.by)

    @property
    def measures(self) -> Iterator[Choice]:
        for name, title in MEASURES.items():
            yield Choice(name, title, self.query.with_(measure=name).string, name == self.measure)

    # The table.

    @property
    def group_title(self) -> str:
        return self.tag or "Tag" if self.query.is_by_tag else GROUP_TITLES[self.query.by]

    @property
    def by_title(self) -> str:
        return f"tag {self.tag}" if self.query.is_by_tag and self.tag else GROUP_TITLES[self.query.by].lower()

    @property
    def rows(self) -> list[tuple[Group, Totals]]:
        """The groups with their totals: the newest day first, or the most expensive group first, ties by tokens."""
        found = list(self.usage.by_group.items())
        if self.query.is_by_day:
            return sorted(found, key=lambda row: row[0].name, reverse=True)
        return sorted(found, key=lambda row: (-(row[1].cost_usd or Decimal(0)), -row[1].tokens, row[0].name))

    @cached_property
    def page(self) -> Page:
        found = page_of(self.rows, number=self.query.page, size=self.page_size)
        return replace(found, rows=[self._row(group, totals) for group, totals in found.rows])

    def _row(self, group: Group, totals: Totals) -> UsageRow:
        note = group.name if self.query.by == MODEL and model_name(group.name) != group.name else ""
        return UsageRow(self.name_of(group), note, self._jobs_url(group), totals)

    def _jobs_url(self, group: Group) -> str:
        """Return the URL of the job list filtered by *group*; empty if no filter can select its jobs."""
        if group in (REST, UNREAD):
            return ""
        if self.query.by == DAY:
            day = date.fromisoformat(group.name)
            return self.jobs_url(Days(day, day))
        tokens = {
            MODEL: f"model:{group.name}",
            PERSON: f"by={group.name or NOBODY}",
            TAG: f"tag={self.tag}={group.name}" if group.name else "",
        }
        token = tokens[self.query.by]
        return self.jobs_url(self.query.days, token) if token else ""

    def jobs_url(self, days: Days, *tokens: str) -> str:
        """Return the URL of the job list of jobs that ended within *days*, the most expensive first."""
        ended = [f"ended>={days.start:%Y-%m-%dT%H:%MZ}", f"ended<{days.end:%Y-%m-%dT%H:%MZ}"]
        archived = [f"{ARCHIVED}=any"] if self.has_archived else []
        return self.connection.get_absolute_url() + query_string({"f": [*ended, *tokens, *archived], "sort": "-cost"})

    @cached_property
    def has_archived(self) -> bool:
        """Whether jobs are archived: their usage counts, but the job list leaves them out unless asked."""
        return bool(BatchJob.objects.filter(connection=self.connection, archived_at__isnull=False).exists())

    @property
    def all_jobs_url(self) -> str:
        return self.jobs_url(self.query.days)

    @cached_property
    def dearest(self) -> list[BatchJob]:
        return dearest(self.connection, self.query.days, MOST_JOBS)

    @property
    def job_decimals(self) -> int:
        return decimals_for(job.cost_usd for job in self.dearest)

    def name_of(self, group: Group) -> str:
        """Return the display name of the group."""
        if group == REST:
            return OTHERS
        if group == UNREAD:
            return "Tags not read yet"
        if self.query.by == DAY:
            return day_title(date.fromisoformat(group.name))
        if self.query.by == MODEL:
            return model_name(group.name)
        return group.name or self._nameless

    @property
    def _nameless(self) -> str:
        if self.query.by == PERSON:
            return "Created elsewhere"
        return f"No tag {self.tag}" if self.tag else "No tags"

    @cached_property
    def chart(self) -> UsageChart:
        return UsageChart(self.usage, self.query.days, self.measure, self.query.is_by_day, self.name_of)
