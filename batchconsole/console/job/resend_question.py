"""What the page of a resend asks: which records of a job go again, and those of which other jobs along with them."""

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.job.results_tab import count_unanswered, read_totals
from batchconsole.console.kit.numbers import read_numbers
from batchconsole.console.kit.pagination import bounded
from batchconsole.jobs import resending
from batchconsole.jobs.limits import limits_for
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.querysets import BatchJobQuerySet

OTHERS_SHOWN = 20
MOST_TEXT = 200
FAILED, UNANSWERED = "failed", "unanswered"


class ResendQuestion:
    """The question about *job*; *data* is the form as it was posted. Without it everything is suggested."""

    def __init__(self, job: BatchJob, data: QueryDict | None) -> None:
        self.job = job
        data = QueryDict(f"outcomes={FAILED}&outcomes={UNANSWERED}&pad=1") if data is None else data
        self.outcomes = data.getlist("outcomes")
        self.pads = "pad" in data
        self.find = data.get("find", "").strip()[:MOST_TEXT]
        self.keys = read_numbers(data.getlist("merges"))

    @cached_property
    def least(self) -> int:
        """How few records a job of this model may have in this connection."""
        return limits_for(self.job.connection, self.job.model_id).min_records_per_job

    @cached_property
    def failed(self) -> int:
        """How many records failed."""
        return read_totals(self.job).failed

    @cached_property
    def unanswered(self) -> int:
        """How many records were never answered."""
        return count_unanswered(self.job)

    @property
    def is_short(self) -> bool:
        """Whether AWS would refuse a job of these records alone."""
        return self.failed + self.unanswered < self.least

    @property
    def sends_failed(self) -> bool:
        return FAILED in self.outcomes

    @property
    def sends_unanswered(self) -> bool:
        return UNANSWERED in self.outcomes

    # The other jobs: those that were picked stay, whatever is looked for.

    @cached_property
    def picked(self) -> list[BatchJob]:
        """The other jobs that were picked; one that cannot go along is left out."""
        return list(resending.mergeable(self.job).filter(pk__in=self.keys))

    @property
    def _matching(self) -> BatchJobQuerySet:
        return resending.mergeable(self.job).matching(self.find)

    @cached_property
    def found(self) -> list[BatchJob]:
        """The newest jobs that match and were not picked."""
        return list(self._matching.exclude(pk__in=[each.pk for each in self.picked])[:OTHERS_SHOWN])

    @cached_property
    def count(self) -> str:
        """How many other jobs match, as far as it is counted."""
        return bounded(self._matching)

    @property
    def has_others(self) -> bool:
        return bool(self.found or self.picked or self.find)

    @property
    def shows_part(self) -> bool:
        """Whether more match than are shown."""
        return len(self.found) == OTHERS_SHOWN and self.count != str(OTHERS_SHOWN)
