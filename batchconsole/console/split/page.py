"""What the page of a split shows: its state, its parts with their jobs, and the sums over the jobs."""

from decimal import Decimal
from functools import cached_property

from batchconsole.console.kit.answers import version_of
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.models import BatchJob, InputSplit

State = InputSplit.State
WITHOUT = (BatchJob.Results.NONE, BatchJob.Results.FAILED)
SPOKEN = {  # for screen readers; progress is not announced, because it would never stop
    State.QUEUED: "Waiting for a worker.",
    State.RUNNING: "The input is being split.",
    State.FAILED: "The input could not be split.",
    State.CANCELLED: "Cancelled.",
}


class SplitPage:
    """A split with its parts and the jobs that read them now."""

    def __init__(self, split: InputSplit) -> None:
        self.split = split
        self.rows = splitting.current_jobs(split)

    @cached_property
    def jobs(self) -> list[BatchJob]:
        """The jobs that exist, in the order of the parts."""
        return [job for _, job in self.rows if job is not None]

    @property
    def ended(self) -> int:
        return sum(job.is_ended for job in self.jobs)

    @property
    def is_ended(self) -> bool:
        """Whether nothing on this page will change by itself any more."""
        is_reading = any(job.results == BatchJob.Results.PENDING for job in self.jobs)
        return self.split.is_finished and self.ended == len(self.jobs) and not is_reading

    @property
    def can_join(self) -> bool:
        return self.split.state == State.DONE and splitting.can_join([job for _, job in self.rows])

    @property
    def unread(self) -> int:
        """The number of jobs that have ended without results, whose records have no answer in the joined results."""
        return sum(job.results in WITHOUT for job in self.jobs)

    @property
    def processed(self) -> int:
        return sum(job.processed_record_count or 0 for job in self.jobs)

    @property
    def errors(self) -> int:
        return sum(job.error_record_count or 0 for job in self.jobs)

    @property
    def percent(self) -> int:
        """The percentage of records processed, rounded down."""
        return min(100, self.processed * 100 // self.split.records) if self.split.records else 0

    @property
    def cost(self) -> Decimal | None:
        """The cost of the jobs whose cost is known; ``None`` if none is."""
        known = [job.cost_usd for job in self.jobs if job.cost_usd is not None]
        return sum(known, Decimal()) if known else None

    @property
    def is_cost_partial(self) -> bool:
        """Whether the cost of some jobs is not known, or not known yet."""
        return self.cost is not None and any(job.cost_usd is None for job in self.jobs)

    @property
    def indicator(self) -> tuple[str, str]:
        """The kind and text of the status indicator; once the jobs exist, the worst of them decides."""
        if self.split.state != State.DONE:
            return INDICATORS[State(self.split.state)]
        if self.ended < len(self.jobs):
            return "in-progress", f"{self.ended:,} of {len(self.jobs):,} jobs ended"
        if self.unread:
            kind = "error" if self.unread == len(self.jobs) else "warning"
            return kind, f"All jobs ended, {self.unread:,} without results"
        if self.errors:
            return "warning", "All jobs ended, some records failed"
        return "success", "All jobs ended"

    @property
    def spoken(self) -> str:
        return SPOKEN.get(State(self.split.state), f"{self.indicator[1]}.")

    @property
    def version(self) -> str:
        """A digest of everything the page shows."""
        split = self.split
        jobs = [(job.pk, job.modified_at, str(job.status), str(job.results)) for job in self.jobs]
        written = [part.is_written for part, _ in self.rows]
        return version_of(
            str(split.state),
            split.bytes_done,
            split.media_done,
            split.records,
            split.error,
            split.due_at,
            written,
            jobs,
        )


INDICATORS = {
    State.QUEUED: ("pending", "Waiting for a worker"),
    State.RUNNING: ("in-progress", "Splitting the input"),
    State.FAILED: ("error", "Could not be split"),
    State.CANCELLED: ("stopped", "Cancelled"),
}
