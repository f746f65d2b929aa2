"""A connection at a glance: waiting and running jobs, recent failures, cost, quotas, what is due, and warnings."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import bounded
from batchconsole.console.overview.cost_chart import CostChart, days_needed
from batchconsole.console.overview.due import Due, what_is_due
from batchconsole.console.overview.warnings import Notice, warnings_of
from batchconsole.jobs.costs.usage import DAY, Totals, Usage, cells
from batchconsole.jobs.finding.filters import STATUS_GROUPS, in_view
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob, Connection, utc_today
from batchconsole.jobs.queue.queue_places import why_each_waits
from batchconsole.jobs.warnings import quota_use

LATELY = timedelta(days=7)
SHOWN = 5
UNSHOWN = ("manifest", "results_error", "subnet_ids", "security_group_ids", "tags")


@dataclass(frozen=True)
class Figure:
    """A number of jobs with the URL of the list that shows them."""

    name: str
    title: str
    count: str
    url: str


class Overview:
    """The content of the page for one connection. Each part is its own query, bounded whatever the table's size."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jobs = BatchJob.objects.filter(connection=connection)

    @cached_property
    def lately(self) -> BatchJobQuerySet:
        """The jobs created in the recent period that the job list shows, so without archived ones."""
        return in_view(self.jobs.filter(created_at__gte=self.since), ())

    @property
    def url(self) -> str:
        return reverse("overview", args=[self.connection.name])

    @cached_property
    def since(self) -> datetime:
        """The start of the recent period: a midnight, so that a filter of the job list can name the same days."""
        day = timezone.localdate() - LATELY
        return timezone.make_aware(datetime.combine(day, time()))

    @cached_property
    def figures(self) -> list[Figure]:
        return [
            self._figure("running", "Running"),
            self._figure("waiting", "Waiting"),
            self._figure("failed", "Failed, last 7 days", lately=True),
            self._figure("with_errors", "Completed with errors, last 7 days", lately=True),
            self._figure("completed", "Completed, last 7 days", lately=True),
        ]

    def _figure(self, group: str, title: str, *, lately: bool = False) -> Figure:
        return Figure(group, title, bounded(self._in(group, lately=lately)), self.list_url(group, lately=lately))

    def _in(self, group: str, *, lately: bool = False) -> QuerySet[BatchJob]:
        jobs = self.lately if lately else self.jobs
        found: QuerySet[BatchJob] = jobs.filter(reduce(or_, STATUS_GROUPS[group].conditions))
        return found

    def list_url(self, group: str, *, lately: bool = False) -> str:
        """Return the URL of the job list for one status group."""
        values: dict[str, Any] = {"status": group}
        if lately:
            values["f"] = f"created>={timezone.localtime(self.since):%Y-%m-%d}"
        return self.connection.get_absolute_url() + query_string(values)

    @property
    def failed_url(self) -> str:
        return self.list_url("failed", lately=True)

    @cached_property
    def running(self) -> list[BatchJob]:
        """The newest running jobs, then the newest waiting ones."""
        found = self._newest("running")
        left = SHOWN - len(found)
        return found + self._newest("waiting")[:left] if left else found

    @cached_property
    def waits(self) -> dict[int, str]:
        """The reasons why the waiting ones wait, by job id."""
        return why_each_waits(self.running)

    @cached_property
    def failed(self) -> list[BatchJob]:
        """The newest failed jobs among those created in the last days."""
        return self._newest("failed", lately=True)

    def _newest(self, group: str, *, lately: bool = False) -> list[BatchJob]:
        jobs = self.lately if lately else self.jobs
        rows = jobs.meeting(STATUS_GROUPS[group].conditions).select_related("connection", "held_by").defer(*UNSHOWN)
        return list(rows.order_by("-created_at", "-id")[:SHOWN])

    @cached_property
    def first_jobs(self) -> list[BatchJob]:
        """The two oldest jobs; with fewer, the connection is new."""
        return list(self.jobs.select_related("connection").order_by("created_at", "id")[:2])

    @property
    def is_new(self) -> bool:
        return len(self.first_jobs) < 2

    @cached_property
    def costs(self) -> CostChart:
        """The cost by day of the current and the last UTC month."""
        today = utc_today()
        return CostChart(Usage.of(cells(self.connection, days_needed(today), by=DAY)), today)

    @cached_property
    def month(self) -> Totals:
        """Tokens and cost of the jobs that ended in the current UTC month."""
        total, first = Totals(), self.costs.month.first
        for day, totals in self.costs.usage.by_day.items():
            if day >= first:
                total.add(totals)
        return total

    @cached_property
    def due(self) -> list[Due]:
        return what_is_due(self.connection)

    @cached_property
    def quotas(self) -> dict[str, tuple[int, int]]:
        """The jobs of the busiest models, and their quotas of concurrent jobs."""
        return quota_use(self.connection)

    @property
    def usage_url(self) -> str:
        return reverse("usage", args=[self.connection.name]) + "?range=month"

    @cached_property
    def warnings(self) -> list[Notice]:
        return warnings_of(self.connection, self.month, quotas=self.quotas, usage_url=self.usage_url)

    @property
    def is_busy(self) -> bool:
        """Whether any shown job can change on its own."""
        return bool(self.running)

    @cached_property
    def version(self) -> str:
        """The version of the page, which changes with anything it shows."""
        rows = [(job.pk, job.modified_at) for job in [*self.running, *self.failed, *self.first_jobs]]
        due = [(each.name, each.at, each.what, each.job and each.job.status) for each in self.due]
        seen = [self.waits, self.month, self.costs.sums, self.warnings, due, self.quotas]
        return version_of(self.figures, rows, seen, timezone.localdate(), self.costs.today)
