"""What the page of a bulk action shows: how far it is, what became of each job, and that in one sentence."""

import hashlib
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.filters import query_string
from batchconsole.console.pagination import Page, page_number, paginate
from batchconsole.jobs.models import BulkAction, BulkActionItem

PAGE_SIZE = 50
Outcome = BulkActionItem.Outcome
# How the sentence says each, for one job and for several.
SAID = {
    Outcome.STOPPED: ("stopped", "stopped"),
    Outcome.CANCELLED: ("cancelled", "cancelled"),
    Outcome.STOPPING: ("was being stopped already", "were being stopped already"),
    Outcome.ENDED: ("had already ended", "had already ended"),
    Outcome.FAILED: ("could not be stopped", "could not be stopped"),
}


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
    def counts(self) -> dict[str, int]:
        return self.action.counts()

    @property
    def done(self) -> int:
        """How many jobs something is known of."""
        return self.action.job_count - self.counts.get(Outcome.PENDING, 0)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return self.done * 100 // self.action.job_count if self.action.job_count else 100

    @property
    def kind(self) -> str:
        """How the whole is shown: as something that goes on, or by the worst that came of it."""
        if not self.action.is_finished:
            return "in-progress"
        return "warning" if self.counts.get(Outcome.FAILED) else "success"

    @property
    def sentence(self) -> str:
        """``37 stopped, 2 had already ended``; empty while nothing is known."""
        parts = [
            f"{count:,} {said[count != 1]}" for outcome, said in SAID.items() if (count := self.counts.get(outcome, 0))
        ]
        return ", ".join(parts)

    @property
    def segments(self) -> list[Segment]:
        found = [Segment("all", "All", self.action.job_count, self.link(""), not self.outcome)]
        for outcome in Outcome:
            if count := self.counts.get(outcome, 0):
                current = outcome == self.outcome
                found.append(Segment(outcome.value, outcome.label, count, self.link(outcome.value), current))
        return found

    @cached_property
    def version(self) -> str:
        """Changes when anything that the page shows has changed, or it is another page."""
        rows = [(item.pk, item.outcome, item.attempts, item.job.status) for item in self.page.rows]
        seen = [self.url, rows, sorted(self.counts.items()), self.action.is_finished, self.action.failures]
        return hashlib.blake2b(repr(seen).encode(), digest_size=12).hexdigest()
