"""What the page of a comparison shows: its jobs with their figures and marks, and a page of records side by side."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth.models import User
from django.db.models import Count, Max
from django.http import QueryDict

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.answers import version_of
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.models.names import model_name
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, ComparedJob, Comparison, Right
from batchconsole.jobs.outputs import comparing, comparison_pages
from batchconsole.jobs.outputs.comparing import TIE
from batchconsole.jobs.outputs.comparison_pages import ComparedRow, Slice
from batchconsole.records.comparing import Compared, Kind
from batchconsole.records.output_lines import Record

SIZES = (10, 20, 50)
TITLES = {
    "": "All",
    comparison_pages.DIFFERENT: "Different answers",
    comparison_pages.INCOMPLETE: "Without every answer",
    comparison_pages.SAME: "Same answer",
    comparison_pages.UNMARKED: "Not marked by you",
    comparison_pages.MARKED: "Marked",
}
INDICATORS = {
    Kind.DIFFERENT: ("warning", "Different answers"),
    Kind.INCOMPLETE: ("stopped", "Not every model answered"),
    Kind.SAME: ("success", "Same answer"),
}


@dataclass(frozen=True)
class Side:
    """One job as the page shows it; ``label`` tells it from the others."""

    row: ComparedJob
    job: BatchJob | None
    label: str
    marks: int
    mean_length: int | None

    @property
    def number(self) -> int:
        return self.row.number


@dataclass(frozen=True)
class Choice:
    """A button of a record: what it marks as better, and whether the user has chosen it."""

    number: int
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Marks:
    """The choices of one record, and how other users marked it."""

    position: int
    record_id: str
    choices: list[Choice]
    by_others: list[tuple[str, int]]

    @property
    def form_id(self) -> str:
        """The record id as JSON: browsers change line ends in the fields of a form, and drop what is no character."""
        return json.dumps(self.record_id)

    @property
    def spoken(self) -> str:
        """The user's mark, for screen readers."""
        chosen = next((choice.label for choice in self.choices if choice.is_chosen), "")
        return f"Marked: {chosen}." if chosen else "Mark removed."


@dataclass(frozen=True)
class ShownRow:
    """A record with each side's answer; ``None`` where a job has none."""

    row: ComparedRow
    answers: list[tuple[Side, Record | None]]
    marks: Marks

    @property
    def indicator(self) -> tuple[str, str]:
        return INDICATORS[self.row.kind]


class ComparisonPage:
    """A comparison for one user, with the page of records that the query string asks for."""

    def __init__(self, comparison: Comparison, user: User, query: QueryDict) -> None:
        self.comparison = comparison
        self.user = user
        self.pairs = comparing.current_jobs(comparison)
        self.only = query.get("only", "") if query.get("only", "") in TITLES else ""
        self.since = read_number(query.get("since", ""), 0)
        self.find = query.get("find", "").strip()
        self.size = read_number(query.get("size", ""), SIZES[0])
        self.size = self.size if self.size in SIZES else SIZES[0]
        self.error: AwsError | UserError | None = None

    @cached_property
    def compared(self) -> Compared | None:
        return self.comparison.compared

    @cached_property
    def marks_by_job(self) -> dict[int, int]:
        return comparing.marks_by_job(self.comparison)

    @property
    def ties(self) -> int:
        return self.marks_by_job.get(TIE, 0)

    @property
    def marks(self) -> int:
        return sum(self.marks_by_job.values())

    @cached_property
    def sides(self) -> list[Side]:
        compared = self.compared
        lengths = dict(zip(compared.numbers, compared.lengths, strict=True)) if compared else {}
        names = [model_name(job.model_id if job else row.model_id) for row, job in self.pairs]
        return [
            Side(
                row,
                job,
                name if names.count(name) == 1 else f"{name} ({row.job_name})",
                self.marks_by_job.get(row.number, 0),
                lengths[row.number].mean if row.number in lengths else None,
            )
            for (row, job), name in zip(self.pairs, names, strict=True)
        ]

    @cached_property
    def read_times(self) -> dict[str, str]:
        return comparing.read_times([job for _, job in self.pairs if job is not None])

    @property
    def ended(self) -> int:
        return sum(job is None or job.is_ended for _, job in self.pairs)

    @property
    def is_comparing(self) -> bool:
        """Whether a worker compares the answers, or will soon."""
        return self.comparison.due_at is not None and len(self.read_times) > 1

    @property
    def is_outdated(self) -> bool:
        """Whether results were read since the answers were compared, and no worker compares them again."""
        read_of = self.comparison.read_of
        is_news = any(read_of.get(pk) != at for pk, at in self.read_times.items())
        return len(self.read_times) > 1 and is_news and not self.is_comparing

    @property
    def expired(self) -> list[str]:
        """The names of compared jobs whose results are not kept any more."""
        gone = {pk for pk in self.comparison.read_of if pk not in self.read_times}
        return [job.job_name for _, job in self.pairs if job is not None and str(job.pk) in gone]

    @property
    def is_live(self) -> bool:
        """Whether something on this page will change by itself."""
        is_reading = any(job is not None and job.results == BatchJob.Results.PENDING for _, job in self.pairs)
        return self.ended < len(self.pairs) or is_reading or self.is_comparing

    @property
    def indicator(self) -> tuple[str, str]:
        """The kind and text of the status indicator."""
        if self.comparison.error and not self.is_comparing:
            return "error", "Could not be compared"
        if self.ended < len(self.pairs):
            return "in-progress", f"{self.ended:,} of {len(self.pairs):,} jobs ended"
        if self.is_comparing:
            return "in-progress", "Comparing the answers"
        if self.compared is None:
            return "stopped", "Nothing to compare"
        return "success", "Compared"

    @property
    def counts(self) -> dict[str, int]:
        compared = self.compared
        if compared is None:
            return {}
        kinds = {name: compared.count(kind) for name, kind in comparison_pages.KINDS.items()}
        return {"": len(compared), **kinds}

    @property
    def segments(self) -> list[tuple[str, str, int | None, bool]]:
        """The filters: name, title, number of records if it is known without looking, and whether it is chosen."""
        counts = self.counts
        return [(name, title, counts.get(name), name == self.only) for name, title in TITLES.items()]

    @property
    def may_read(self) -> bool:
        return bool(self.user.has_perm(Right.READ, self.comparison.connection))

    @property
    def shows_records(self) -> bool:
        """Whether answers can be shown: those compared are those that the results have now."""
        return self.compared is not None and self.may_read and not self.is_outdated

    @cached_property
    def slice(self) -> Slice:
        """The records of this page: those of the filter, or those with the id that was searched for."""
        compared = self.compared
        if compared is None:
            return Slice([], 0)
        if self.find:
            found = compared.find(self.find)
            return Slice(found[: self.size], len(found))
        return comparison_pages.slice_of(
            self.comparison, compared, self.user, only=self.only, since=self.since, size=self.size
        )

    @cached_property
    def rows(self) -> list[ShownRow]:
        """The records of this page; if they cannot be read, none, and ``error`` says why."""
        if self.compared is None:
            return []
        jobs = {row.number: job for row, job in self.pairs if job is not None and str(job.pk) in self.read_times}
        try:
            rows = comparison_pages.read_rows(self.compared, jobs, self.slice.positions)
        except (AwsError, UserError) as error:
            self.error = error
            return []
        chosen = self._choices([row.position for row in rows])
        return [
            ShownRow(
                row,
                [(side, row.answers.get(side.number)) for side in self.sides],
                self._marks(row.position, row.record_id, chosen.get(row.position, [])),
            )
            for row in rows
        ]

    def marks_of(self, position: int, record_id: str) -> Marks:
        """Return the choices of one record."""
        return self._marks(position, record_id, self._choices([position]).get(position, []))

    def _choices(self, positions: Sequence[int]) -> dict[int, list[tuple[int | None, int]]]:
        """Return who marked each record, and the number of the better job, by position."""
        keys = self.compared.keys() if self.compared else []
        position_of = {keys[position]: position for position in positions if position < len(keys)}
        found: dict[int, list[tuple[int | None, int]]] = {}
        marks = self.comparison.marks.filter(key__in=list(position_of))
        for key, person, number in marks.values_list("key", "created_by", "better__number"):
            found.setdefault(position_of[key], []).append((person, number or TIE))
        return found

    def _marks(self, position: int, record_id: str, chosen: Sequence[tuple[int | None, int]]) -> Marks:
        labels = {**{side.number: side.label for side in self.sides}, TIE: "Tie"}
        mine = next((number for person, number in chosen if person == self.user.pk), None)
        others = [number for person, number in chosen if person != self.user.pk]
        return Marks(
            position,
            record_id,
            [Choice(number, label, number == mine) for number, label in labels.items()],
            [(label, others.count(number)) for number, label in labels.items() if number in others],
        )

    @property
    def version(self) -> str:
        """A digest of everything the page shows, without reading a record."""
        comparison = self.comparison
        jobs = [(job.pk, job.modified_at, str(job.status), str(job.results)) for _, job in self.pairs if job]
        marks = comparison.marks.aggregate(count=Count("pk"), last=Max("marked_at"))
        seen = (comparison.due_at, comparison.read_at, comparison.error, jobs, marks, self.read_times)
        return version_of(*seen, self.only, self.since, self.find, self.size)
