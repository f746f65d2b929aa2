"""The resend form: which records of a job to send again, and which other jobs' records to add."""

from django.http import QueryDict
from django.utils.functional import cached_property

from batchconsole.console.job.results_tab import count_unanswered, read_totals
from batchconsole.console.kit.numbers import read_numbers
from batchconsole.console.kit.pagination import bounded
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.outputs import resending
from batchconsole.jobs.queue.limits import limits_for

OTHERS_SHOWN = 20
MOST_TEXT = 200
FAILED, UNANSWERED = "failed", "unanswered"


class ResendQuestion:
    """The form for *job*. *data* is the posted form; without it, everything is selected."""

    def __init__(self, job: BatchJob, data: QueryDict | None) -> None:
        self.job = job
        data = QueryDict(f"outcomes={FAILED}&outcomes={UNANSWERED}&pad=1") if data is None else data
        self.outcomes = data.getlist("outcomes")
        self.is_on_demand = "on_demand" in data
        self.pads = "pad" in data and not self.is_on_demand
        self.find = data.get("find", "").strip()[:MOST_TEXT]
        self.keys = read_numbers(data.getlist("merges"))

    @cached_property
    def least(self) -> int:
        """The minimum number of records for a job of this model on this connection."""
        return limits_for(self.job.connection, self.job.model_id).min_records_per_job

    @cached_property
    def failed(self) -> int:
        """The number of failed records."""
        return read_totals(self.job).failed

    @cached_property
    def unanswered(self) -> int:
        """The number of unanswered records."""
        return count_unanswered(self.job)

    @property
    def is_short(self) -> bool:
        """Whether these records alone are too few for a job."""
        return self.failed + self.unanswered < self.least

    @property
    def sends_failed(self) -> bool:
        return FAILED in self.outcomes

    @property
    def sends_unanswered(self) -> bool:
        return UNANSWERED in self.outcomes

    # The other jobs. Picked jobs stay in the list, whatever the search text is.

    @cached_property
    def picked(self) -> list[BatchJob]:
        """The other jobs that were picked, without those that can't be merged."""
        return list(resending.mergeable(self.job).filter(pk__in=self.keys))

    @property
    def _matching(self) -> BatchJobQuerySet:
        return resending.mergeable(self.job).matching(self.find)

    @cached_property
    def found(self) -> list[BatchJob]:
        """The newest matching jobs that were not picked."""
        return list(self._matching.exclude(pk__in=[each.pk for each in self.picked])[:OTHERS_SHOWN])

    @cached_property
    def count(self) -> str:
        """The number of matching other jobs as text, up to a bound."""
        return bounded(self._matching)

    @property
    def has_others(self) -> bool:
        return bool(self.found or self.picked or self.find)

    @property
    def shows_part(self) -> bool:
        """Whether more jobs match than are shown."""
        return len(self.found) == OTHERS_SHOWN and self.count != str(OTHERS_SHOWN)
