"""Usage and cost: tokens and dollars of ended jobs, summed by UTC day and by model, user or tag.

A job counts on the day on which it ended. The database computes the sums from one covering index; only tags, which are
JSON, are grouped in Python, row by row. Jobs of unknown cost are counted separately, never as zero.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, DateField, F, Func, Q, QuerySet, Sum

from batchconsole.jobs.models import BatchJob, Connection, Status
from batchconsole.records.catalogue import bare_id

DAY, MODEL, PERSON, TAG = "day", "model", "person", "tag"
GROUPINGS = (DAY, MODEL, PERSON, TAG)
# States of jobs that may have used tokens; the others ended before a record was processed.
RAN = (Status.COMPLETED, Status.PARTIALLY_COMPLETED, Status.STOPPED)
# Every job may have a different tag; beyond this many values, the rest is summed together.
MOST_GROUPS = 10_000
MOST_TAG_KEYS = 200
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """A range of UTC days, including both ends."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * ONE_DAY for number in range(len(self)))

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time.min, UTC)

    @property
    def end(self) -> datetime:
        """The moment after the last day."""
        return datetime.combine(self.last + ONE_DAY, time.min, UTC)


@dataclass
class Totals:
    """The usage of some jobs. ``cost_usd`` excludes the ``unpriced`` jobs, tokens exclude the ``uncounted`` ones.

    ``unpriced`` jobs have tokens but no known price; the output of ``uncounted`` ones was not read, or not yet.
    """

    jobs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    unpriced: int = 0
    uncounted: int = 0

    def add(self, other: "Totals") -> None:
        self.jobs += other.jobs
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.unpriced += other.unpriced
        self.uncounted += other.uncounted
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or Decimal(0)) + other.cost_usd

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class Group:
    """What jobs have in common: a model's id, a user's name, a tag's value.

    ``name`` is empty for the jobs without any; ``is_rest`` marks the groups beyond :data:`MOST_GROUPS`, ``is_unread``
    the jobs whose tags are not known yet.
    """

    name: str
    is_rest: bool = False
    is_unread: bool = False


REST = Group("", is_rest=True)
UNREAD = Group("not read yet", is_unread=True)


@dataclass(frozen=True)
class Cell:
    """The totals of one group on one day."""

    day: date
    group: Group
    totals: Totals


@dataclass
class Usage:
    """The sums over a range of days: by group, by day, by both, and in total."""

    total: Totals = field(default_factory=Totals)
    by_group: defaultdict[Group, Totals] = field(default_factory=lambda: defaultdict(Totals))
    by_day: defaultdict[date, Totals] = field(default_factory=lambda: defaultdict(Totals))
    by_both: defaultdict[tuple[date, Group], Totals] = field(default_factory=lambda: defaultdict(Totals))

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> "Usage":
        usage = cls()
        for cell in cells:
            group = cell.group if cell.group in usage.by_group or len(usage.by_group) < MOST_GROUPS else REST
            for totals in (usage.total, usage.by_group[group], usage.by_day[cell.day], usage.by_both[cell.day, group]):
                totals.add(cell.totals)
        return usage


class UtcDay(Func):
    """The UTC day of a time. On SQLite, the start of the text: a function call per row would take most of the time."""

    arity = 1
    output_field = DateField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, 1, 10)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="((%(expressions)s) AT TIME ZONE 'UTC')::date", **context)


SUMS = {
    "jobs": Count("*"),
    "input_sum": Sum("input_token_count"),
    "output_sum": Sum("output_token_count"),
    "cost_sum": Sum("cost_usd"),
    "unpriced": Count("pk", filter=Q(cost_usd=None, input_token_count__isnull=False)),
    "uncounted": Count("pk", filter=Q(input_token_count=None, status__in=RAN)),
}
COLUMNS = {DAY: None, MODEL: "base_model_id", PERSON: "created_by__username", TAG: "tags"}


def ended(connection: Connection, days: Days) -> QuerySet[BatchJob]:
    """Return the jobs that ended on AWS within *days*."""
    jobs: QuerySet[BatchJob] = BatchJob.objects.filter(
        connection=connection, end_time__gte=days.start, end_time__lt=days.end
    )
    return jobs.order_by()


def cells(connection: Connection, days: Days, *, by: str, tag: str = "") -> Iterator[Cell]:
    """Yield the usage by day and group, in the order of the days. *tag* is the key whose values are the groups."""
    for day, rows in groupby(_rows(connection, days, by), key=lambda row: row["day"]):
        of_the_day: defaultdict[Group, Totals] = defaultdict(Totals)
        for row in rows:
            of_the_day[_group(row, by, tag)].add(_totals(row))
        yield from (Cell(day, group, totals) for group, totals in of_the_day.items())


def _rows(connection: Connection, days: Days, by: str) -> Iterator[dict[str, Any]]:
    column = COLUMNS[by]
    names = {"group": F(column)} if column else {}
    names |= {"unread": F("tags_unread")} if by == TAG else {}
    rows = ended(connection, days).annotate(day=UtcDay("end_time"), **names).values("day", *names).annotate(**SUMS)
    found: Iterator[dict[str, Any]] = rows.order_by("day", *names).iterator()
    return found


def _totals(row: dict[str, Any]) -> Totals:
    return Totals(
        jobs=row["jobs"],
        input_tokens=row["input_sum"] or 0,
        output_tokens=row["output_sum"] or 0,
        cost_usd=row["cost_sum"],
        unpriced=row["unpriced"],
        uncounted=row["uncounted"],
    )


def _group(row: dict[str, Any], by: str, tag: str) -> Group:
    if by == TAG:
        return UNREAD if row["unread"] else Group(_tag_value(row["group"] or [], tag))
    return Group(row["day"].isoformat() if by == DAY else row["group"] or "")


def _tag_value(tags: list[dict[str, str]], key: str) -> str:
    return next((pair.get("value", "") for pair in tags if pair.get("key") == key), "")


def tag_keys(connection: Connection, days: Days) -> list[str]:
    """Return the keys of the tags of jobs in *days*, the most frequent first, up to MOST_TAG_KEYS."""
    counts: Counter[str] = Counter()
    rows = ended(connection, days).exclude(tags=[]).values_list("tags").annotate(jobs=Count("*"))
    for tags, jobs in rows.iterator():
        counts.update({pair["key"]: jobs for pair in tags if pair.get("key")})
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    return ranked[:MOST_TAG_KEYS]


def dearest(connection: Connection, days: Days, most: int) -> list[BatchJob]:
    """Return up to *most* ended jobs of *days* with the highest known cost."""
    # Select the keys first, from the index alone: otherwise, the rows of all jobs would be read to sort them.
    ranked = ended(connection, days).filter(cost_usd__gt=0).order_by("-cost_usd", "-end_time").values_list("pk")
    keys = [key for (key,) in ranked[:most]]
    jobs = BatchJob.objects.select_related("connection", "created_by").in_bulk(keys)
    return [jobs[key] for key in keys]


@dataclass(frozen=True)
class JobUsage:
    """One job's line of the export."""

    ended_at: datetime
    job_name: str
    job_arn: str
    model_id: str
    person: str
    status: str
    tags: list[dict[str, str]]
    tags_unread: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None


def job_usages(connection: Connection, days: Days) -> Iterator[JobUsage]:
    """Yield every ended job of *days* with its usage, oldest first."""
    names = ("end_time", "job_name", "job_arn", "model_id", "created_by__username", "status", "tags", "tags_unread")
    rows = ended(connection, days).order_by("end_time", "id")
    for row in rows.values_list(*names, "input_token_count", "output_token_count", "cost_usd").iterator():
        ended_at, name, arn, model_id, person, *others = row
        yield JobUsage(ended_at, name, arn or "", bare_id(model_id), person or "", *others)
