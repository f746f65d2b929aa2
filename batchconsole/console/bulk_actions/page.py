"""What the pages of bulk actions show: the progress of each action, and the outcomes of its jobs."""

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
# The words for each outcome in BulkProgress.sentence, singular and plural.
SAID = {
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.CANCELLED: ("cancelled", "cancelled"),
    Outcome.STOPPING: ("was being stopped already", "were being stopped already"),
    Outcome.ENDED: ("had already ended", "had already ended"),
    Outcome.HELD: ("held", "held"),
    Outcome.RELEASED: ("released", "released"),
    Outcome.ARCHIVED: ("archived", "archived"),
    Outcome.RESTORED: ("brought back", "brought back"),
    Outcome.TAGGED: ("tagged", "tagged"),
    Outcome.CLONED: ("cloned", "cloned"),
    Outcome.UNCHANGED: ("needed no change", "needed no change"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.LEFT: ("was skipped", "were skipped"),
}


class BulkProgress:
    """The progress of one bulk action; *counts* holds the number of its jobs by outcome."""

    def __init__(self, action: BulkAction, counts: dict[str, int]) -> None:
        self.action = action
        self.counts = counts

    @property
    def done(self) -> int:
        """The number of jobs that have been processed."""
        return self.action.job_count - self.counts.get(Outcome.PENDING, 0) - self.counts.get(Outcome.LEFT, 0)

    @property
    def percent(self) -> int:
        """The percentage of jobs processed, rounded down, so that 100 means all."""
        return self.done * 100 // self.action.job_count if self.action.job_count else 100

    @property
    def state(self) -> tuple[str, str]:
        """The kind and text of the status indicator; once finished, the worst outcome decides."""
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
        """The outcomes in words, such as ``37 stopped, 2 had already ended``; empty until a job has an outcome."""
        parts = [
            f"{count:,} {said[count != 1]}" for outcome, said in SAID.items() if (count := self.counts.get(outcome, 0))
        ]
        return ", ".join(parts)


@dataclass(frozen=True)
class Segment:
    """A link that narrows the page to one outcome, with the number of jobs."""

    name: str
    title: str
    count: int
    url: str
    is_current: bool


class BulkActionPage:
    """One page of the jobs of *action*, narrowed to an outcome if *query* names one."""

    def __init__(self, action: BulkAction, query: QueryDict) -> None:
        self.action = action
        self.outcome = query.get("outcome", "") if query.get("outcome") in Outcome.values else ""
        items = action.items.select_related("job__connection", "made__connection").order_by("id")
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
        """This page's own URL, without invalid parameters."""
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
        """A digest of everything the page shows, including its URL."""
        rows = [(item.pk, item.outcome, item.attempts, item.job.status, item.made_id) for item in self.page.rows]
        counts = sorted(self.progress.counts.items())
        return version_of(self.url, rows, counts, self.progress.state, self.action.failures)


class BulkActionList:
    """One page of the bulk actions of *connection*, newest first."""

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
        """A digest of everything the page shows, including its URL."""
        return version_of(self.url, [(row.action.pk, row.state, sorted(row.counts.items())) for row in self.rows])
