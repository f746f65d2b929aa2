"""What the pages of schedules show: the state of each, its next times, and its runs or files."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import Page, page_number, paginate
from batchconsole.jobs.models import Connection, Schedule, ScheduleRun, WatchedFile
from batchconsole.jobs.repeating.schedules import next_time

NEXT_TIMES = 3
RUNS = {
    ScheduleRun.Outcome.CREATED: "success",
    ScheduleRun.Outcome.FAILED: "error",
    ScheduleRun.Outcome.SKIPPED: "stopped",
}
FILES = {
    WatchedFile.State.WAITING: "pending",
    WatchedFile.State.CHECKED: "in-progress",
    WatchedFile.State.SUBMITTED: "success",
    WatchedFile.State.SKIPPED: "warning",
}


def state_of(schedule: Schedule) -> tuple[str, str]:
    """Return the kind and text of the status indicator."""
    if not schedule.is_active:
        return ("error", "Stopped") if schedule.stop_reason else ("stopped", "Paused")
    if schedule.failures:
        return "warning", "Failing"
    return "success", "Active"


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule as a row of the list; *last* is its latest run or file, if any."""

    schedule: Schedule
    last: "Fate | None"

    @property
    def state(self) -> tuple[str, str]:
        return state_of(self.schedule)


@dataclass(frozen=True)
class Fate:
    """A run, or a file of a watched folder, as a table row."""

    row: ScheduleRun | WatchedFile

    @property
    def state(self) -> tuple[str, str]:
        if isinstance(self.row, ScheduleRun):
            return RUNS[ScheduleRun.Outcome(self.row.outcome)], self.row.get_outcome_display()
        return FILES[WatchedFile.State(self.row.state)], self.row.get_state_display()

    @property
    def can_be_retried(self) -> bool:
        return isinstance(self.row, WatchedFile) and self.row.state == WatchedFile.State.SKIPPED


def _latest(model: type[ScheduleRun] | type[WatchedFile], schedules: list[Schedule], order: str) -> dict[int, Fate]:
    """Return the latest row of each of *schedules* that has one, found for each by an index in one query."""
    rows: Any = model._base_manager
    newest = rows.filter(schedule=OuterRef("pk")).order_by(order).values("pk")[:1]
    keys = Schedule.objects.filter(pk__in=[each.pk for each in schedules]).annotate(newest=Subquery(newest))
    return {row.schedule_id: Fate(row) for row in rows.filter(pk__in=list(keys.values_list("newest", flat=True)))}


class ScheduleList:
    """One page of the schedules of *connection*."""

    def __init__(self, connection: Connection, query: QueryDict, *, page_size: int) -> None:
        self.connection = connection
        found = Schedule.objects.filter(connection=connection).select_related("connection", "created_by")
        self.page: Page = paginate(found, number=page_number(query.get("page", "")), size=page_size)
        self.url = f"{reverse('schedule-list', args=[connection.name])}{query_string(dict(query.lists()))}"

    @cached_property
    def rows(self) -> list[ScheduleRow]:
        last = {**_latest(ScheduleRun, self.page.rows, "-planned_at"), **_latest(WatchedFile, self.page.rows, "-id")}
        return [ScheduleRow(each, last.get(each.pk)) for each in self.page.rows]

    @property
    def version(self) -> str:
        return version_of(
            [
                (row.schedule.pk, row.state, row.schedule.next_at, row.last and (row.last.row.pk, row.last.state))
                for row in self.rows
            ]
        )


@dataclass(frozen=True)
class Segment:
    """A link that narrows the table to one outcome, with the number of rows."""

    name: str
    title: str
    count: int
    url: str
    is_current: bool


class SchedulePage:
    """One schedule with a page of its runs or files, narrowed to an outcome if *query* names one."""

    def __init__(self, schedule: Schedule, query: QueryDict, *, page_size: int) -> None:
        self.schedule = schedule
        self.column = "outcome" if schedule.is_by_rule else "state"
        self.choices = ScheduleRun.Outcome if schedule.is_by_rule else WatchedFile.State
        self.outcome = query.get("outcome", "") if query.get("outcome") in self.choices.values else ""
        mine: Any = schedule.runs if schedule.is_by_rule else schedule.files
        self.all = mine.order_by("-planned_at", "-id") if schedule.is_by_rule else mine.order_by("-id")
        found = self.all.filter(**{self.column: self.outcome}) if self.outcome else self.all
        found = found.select_related("job__connection", "schedule")
        self.page: Page = paginate(found, number=page_number(query.get("page", "")), size=page_size)
        self.url = f"{schedule.get_absolute_url()}{query_string(dict(query.lists()))}"

    @cached_property
    def rows(self) -> list[Fate]:
        return [Fate(row) for row in self.page.rows]

    @property
    def state(self) -> tuple[str, str]:
        return state_of(self.schedule)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of rows by outcome."""
        return dict(self.all.order_by().values_list(self.column).annotate(Count("pk")))

    @property
    def segments(self) -> list[Segment]:
        here, total = self.schedule.get_absolute_url(), sum(self.counts.values())
        named = [
            Segment(name, str(title), self.counts.get(name, 0), f"{here}?outcome={name}", self.outcome == name)
            for name, title in self.choices.choices
        ]
        return [Segment("all", "All", total, here, not self.outcome), *(each for each in named if each.count)]

    @property
    def next_times(self) -> list[datetime]:
        """The next planned times of an active schedule by rule."""
        found: list[datetime] = []
        at: datetime | None = timezone.now()
        while self.schedule.is_active and self.schedule.is_by_rule and at and len(found) < NEXT_TIMES:
            at = next_time(self.schedule, at)
            found += [at] if at else []
        return found

    @property
    def version(self) -> str:
        rows = [(each.row.pk, each.state, each.row.job and each.row.job.status) for each in self.rows]
        return version_of(rows, self.state, self.counts, self.schedule.next_at, self.schedule.looked_at)
