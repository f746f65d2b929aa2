"""What the pages of bulk actions show: how far each is, what became of its jobs, and that in one sentence."""

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import Page, page_number, paginate
from batchconsole.jobs.models import BulkAction, BulkActionItem, Connection

PAGE_SIZE = 50
Outcome = BulkActionItem.Outcome
# How the sentence says each, for one job and for several.
SAID = {
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.CANCELLED: ("cancelled", "cancelled"),
    Outcome.STOPPING: ("was being stopped already", "were being stopped already"),
    Outcome.ENDED: ("had already ended", "had already ended"),
    Outcome.HELD: ("held", "held"),
    Outcome.RELEASED: ("released", "released"),
    Outcome.ARCHIVED: ("archived", "archived"),
    Outcome.RESTORED: ("brought back", "brought back"),
    Outcome.UNCHANGED: ("needed no change", "needed no change"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.LEFT: ("was skipped", "were skipped"),
}


class BulkProgress:
    """How far one action is; *counts* says how many of its jobs have each outcome."""

    def __init__(self, action: BulkAction, counts: dict[str, int]) -> None:
        self.action = action
        self.counts = counts

    @property
    def done(self) -> int:
        """The number of jobs that have been processed."""
        return self.action.job_count - self.counts.get(Outcome.PENDING, 0) - self.counts.get(Outcome.LEFT, 0)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return self.done * 100 // self.action.job_count if self.action.job_count else 100

    @property
    def state(self) -> tuple[str, str]:
        """The kind of status indicator and its text: as something that goes on, or by the worst that came of it."""
        if not self.action.is_finished:
            return "in-progress", "Cancelling remaining jobs" if self.action.cancelled_at else "In progress"
        if self.counts.get(Outcome.FAILED):
            return "warning", "Finished with failures"
        return ("stopped", "Remaining jobs cancelled") if self.counts.get(Outcome.LEFT) else ("success", "Finished")

    @property
    def can_be_cancelled(self) -> bool:
        return not self.action.is_finished and not self.action.cancelled_at

    @property
    def sentence(self) -> str:
        """``37 stopped, 2 had already ended``; empty while nothing is known."""
        parts = [
            f"{count:,} {said[count != 1]}" for outcome, said in SAID.items() if (count := self.counts.get(outcome, 0))
        ]
        return ", ".join(parts)


@dataclass(frozen=True)
class Segment:
    """One outcome with the number of jobs it has."""

    name: str
    title: str
    count: int
    url: str
    is_current: bool


class BulkActionPage:
    """One page of the jobs of *action*, narrowed to one outcome when *query* names it."""

    def __init__(self, action: BulkAction, query: QueryDict) -> None:
        self.action = action
        self.outcome = query.get("outcome", "") if query.get("outcome") in Outcome.values else ""
        items = action.items.select_related("job__connection").order_by("id")
        self.page: Page = paginate(
            items.filter(outcome=self.outcome) if self.outcome else items,
            number=page_number(query.get("page", "")),
            size=PAGE_SIZE,
        )

    def link(self, outcome: str) -> str:
        values = {"outcome": outcome} if outcome else {}
        return self.action.get_absolute_url() + query_string(values)

    @property
    def url(self) -> str:
        """This page's own address, without what was invalid."""
        values = {"outcome": self.outcome, "page": self.page.number if self.page.number > 1 else ""}
        return self.action.get_absolute_url() + query_string({name: value for name, value in values.items() if value})

    @cached_property
    def progress(self) -> BulkProgress:
        return BulkProgress(self.action, self.action.counts())

    @property
    def segments(self) -> list[Segment]:
        found = [Segment("all", "All", self.action.job_count, self.link(""), not self.outcome)]
        for outcome in Outcome:
            if count := self.progress.counts.get(outcome, 0):
                current = outcome == self.outcome
                found.append(Segment(outcome.value, outcome.label, count, self.link(outcome.value), current))
        return found

    @cached_property
    def version(self) -> str:
        """Changes when anything that the page shows has changed, or it is another page."""
        rows = [(item.pk, item.outcome, item.attempts, item.job.status) for item in self.page.rows]
        counts = sorted(self.progress.counts.items())
        return version_of(self.url, rows, counts, self.progress.state, self.action.failures)


class BulkActionList:
    """One page of the bulk actions of *connection*, the newest first."""

    def __init__(self, connection: Connection, query: QueryDict, *, page_size: int) -> None:
        self.connection = connection
        actions = BulkAction.objects.filter(connection=connection).select_related("connection", "created_by")
        number = page_number(query.get("page", ""))
        self.page: Page = paginate(actions, number=number, size=page_size, order=lambda _: ["-id"])

    @property
    def url(self) -> str:
        values = {"page": self.page.number} if self.page.number > 1 else {}
        return reverse("bulk-action-list", args=[self.connection.name]) + query_string(values)

    @cached_property
    def rows(self) -> list[BulkProgress]:
        counts = BulkAction.counts_of(self.page.rows)
        return [BulkProgress(action, counts[action.pk]) for action in self.page.rows]

    @property
    def is_busy(self) -> bool:
        return any(not row.action.is_finished for row in self.rows)

    @cached_property
    def version(self) -> str:
        """Changes when anything that the page shows has changed, or it is another page."""
        return version_of(self.url, [(row.action.pk, row.state, sorted(row.counts.items())) for row in self.rows])
