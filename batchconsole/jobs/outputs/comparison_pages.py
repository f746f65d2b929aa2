"""Records of a comparison with the answers of its jobs, read from S3 a page at a time, and the marked ones."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from batchconsole.jobs.models import Actor, AnswerMark, BatchJob, Comparison
from batchconsole.jobs.outputs.comparing import current_jobs, read_times
from batchconsole.jobs.outputs.result_pages import records_at
from batchconsole.jobs.outputs.results import input_files
from batchconsole.jobs.patience import all_of
from batchconsole.jobs.rights.access import require_places
from batchconsole.jobs.s3.input_objects import read_span
from batchconsole.records.comparing import NONE, Compared, Kind
from batchconsole.records.families import family_for
from batchconsole.records.index import fetch
from batchconsole.records.output_lines import Record, read_input_line

AT_ONCE = 50  # marked records that are read together
DIFFERENT, INCOMPLETE, SAME, MARKED, UNMARKED = "different", "incomplete", "same", "marked", "unmarked"
ONLY = ("", DIFFERENT, INCOMPLETE, SAME, UNMARKED, MARKED)
KINDS = {DIFFERENT: Kind.DIFFERENT, INCOMPLETE: Kind.INCOMPLETE, SAME: Kind.SAME}
Jobs = Mapping[int, BatchJob]  # by the number of each in the comparison


@dataclass(frozen=True)
class ComparedRow:
    """One record: its position in the input, how the answers compare, and each job's answer by the job's number."""

    position: int
    kind: Kind
    record_id: str = ""
    question: str = ""
    answers: dict[int, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class Slice:
    """The positions of one page. ``since``, ``previous`` and ``next`` are ranks: places in the order of all records.

    A page starts at a rank rather than a number, so that a record that leaves a filter while somebody works through it
    moves no other record to an earlier page.
    """

    positions: list[int]
    count: int
    first: int = 0  # how many records of the filter come before this page
    previous: int | None = None
    next: int | None = None

    @property
    def last(self) -> int:
        """How many records of the filter come up to the end of this page."""
        return self.first + len(self.positions)


def slice_of(comparison: Comparison, compared: Compared, actor: Actor, *, only: str, since: int, size: int) -> Slice:
    """Return the page of *size* records that starts at rank *since*, of those that the filter *only* wants."""
    is_wanted = _filter(comparison, compared, actor, only)
    ranked = compared.ranked()
    wanted = [rank for rank, position in enumerate(ranked) if is_wanted(position)]
    start = bisect_left(wanted, since)
    if start >= len(wanted):
        start = max(0, len(wanted) - size)
    shown = wanted[start : start + size]
    return Slice(
        [ranked[rank] for rank in shown],
        len(wanted),
        start,
        wanted[max(0, start - size)] if start else None,
        wanted[start + size] if start + size < len(wanted) else None,
    )


def _filter(comparison: Comparison, compared: Compared, actor: Actor, only: str) -> Callable[[int], bool]:
    if only in KINDS:
        kind = KINDS[only]
        return lambda position: compared.kinds[position] == kind
    if only not in (MARKED, UNMARKED):
        return lambda position: True
    marks = comparison.marks.all() if only == MARKED else comparison.marks.filter(created_by=actor)
    keys, marked = compared.keys(), set(marks.values_list("key", flat=True))
    return lambda position: (keys[position] in marked) == (only == MARKED)


def readable_jobs(comparison: Comparison) -> Jobs:
    """Return the jobs whose results can be read, by number."""
    found = {row.number: job for row, job in current_jobs(comparison) if job is not None}
    times = read_times(list(found.values()))
    return {number: job for number, job in found.items() if str(job.pk) in times}


def read_rows(compared: Compared, jobs: Jobs, positions: Sequence[int]) -> list[ComparedRow]:
    """Return the records at *positions* with their answers, with few ranged reads, those of all jobs in parallel.

    Raises :class:`UserError`, NotAllowed and AwsError, with ``PreconditionFailed`` if an output has changed.
    """
    places = {number: each for number, each in zip(compared.numbers, compared.places, strict=True) if number in jobs}
    readers = []
    for number, of_job in places.items():
        require_places(jobs[number].connection, read=jobs[number].output_s3_uri)
        readers.append(records_at(jobs[number], {of_job[each] for each in positions} - {NONE}))
    found = dict(zip(places, all_of(readers), strict=True))
    answers: dict[int, dict[int, Record]] = {
        position: {
            number: found[number][of_job[position]]
            for number, of_job in places.items()
            if of_job[position] in found[number]
        }
        for position in positions
    }
    asked = _asked(compared, jobs, [position for position in positions if not answers[position]])
    return [_row(compared, position, answers[position], asked.get(position)) for position in positions]


def _row(compared: Compared, position: int, answers: dict[int, Record], asked: Record | None) -> ComparedRow:
    shown = next(iter(answers.values()), asked) or Record()
    return ComparedRow(position, Kind(compared.kinds[position]), shown.record_id, shown.question, answers)


def _asked(compared: Compared, jobs: Jobs, positions: Sequence[int]) -> dict[int, Record]:
    """Return the input's records at *positions*, which no job has answered; without the input, nothing."""
    job = next(iter(jobs.values()), None)
    if not positions or job is None or not compared.is_by_input:
        return {}
    files = {file.name: file for file in input_files(job)}
    places = [compared.base.place(position) for position in sorted(positions)]
    places = [place for place in places if place.file in files and place.end <= files[place.file].size]
    family = family_for(job.model_id, job.model_invocation_type)
    lines = fetch(places, lambda name, start, end: read_span(files[name], start, end))
    return {place.position: read_input_line(line, family) for place, line in lines}


@dataclass(frozen=True)
class MarkedRow:
    """One mark with its record, whose answers are missing if they cannot be read any more."""

    mark: AnswerMark
    row: ComparedRow


def marked_rows(comparison: Comparison) -> Iterator[MarkedRow]:
    """Yield each mark with the answers that it is about, in the order of the input; some are read at a time.

    Raises :class:`UserError`, NotAllowed and AwsError.
    """
    compared, jobs = comparison.compared, readable_jobs(comparison)
    place_of = dict(zip(compared.keys(), range(len(compared)), strict=True)) if compared else {}
    marks = comparison.marks.select_related("better", "created_by").iterator(AT_ONCE)
    while some := list(islice(marks, AT_ONCE)):
        positions = sorted({place_of[mark.key] for mark in some if mark.key in place_of})
        rows = read_rows(compared, jobs, positions) if compared else []
        found = {row.position: row for row in rows}
        for mark in some:
            unread = ComparedRow(mark.position, Kind.INCOMPLETE, mark.record_id)
            yield MarkedRow(mark, found.get(place_of.get(mark.key, -1), unread))
