"""Records of a job whose output has been read: a page, one record or a text search, with few ranged reads."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, ResultIndex
from batchconsole.jobs.outputs.results import input_files, output_folder
from batchconsole.jobs.s3.input_objects import Reader, read_span
from batchconsole.records.families import AnyFamily, family_for
from batchconsole.records.files import InputFile
from batchconsole.records.index import Index, Place, fetch
from batchconsole.records.output_lines import Record, read_input_line, read_line
from batchconsole.records.searching import find_text
from batchconsole.records.selecting import EVERYTHING, UNANSWERED, Wanted, positions

SEARCH_SECONDS = 8  # how long a page may search for a text


@dataclass(frozen=True)
class ResultRow:
    """One record of a page and its position in the whole output, counted from 0."""

    position: int
    record: Record


@dataclass(frozen=True)
class ResultPage:
    """One page of a job's records; ``count`` is the number of records on all pages."""

    number: int
    size: int
    count: int
    rows: list[ResultRow] = field(default_factory=list)


def read_page(job: BatchJob, number: int = 1, *, size: int = 10, wanted: Wanted = EVERYTHING) -> ResultPage:
    """Return page *number* (from 1) of the records of *job* that match *wanted*.

    A number past the end returns the last page; without results, the page is empty. This does not search for text; see
    :func:`find_records`. Raises :class:`AwsError`, with ``PreconditionFailed`` if the output has changed since it was
    read.
    """
    stored = ResultIndex.objects.filter(job=job).first()
    if stored is None:
        return ResultPage(number, size, 0)
    index = stored.index
    found = positions(index, stored.totals, wanted, stored.input_order)
    number = min(max(number, 1), max(1, -(-len(found) // size)))
    return ResultPage(number, size, len(found), _read(job, index.page_of(found, number, size)))


def read_unanswered(job: BatchJob, number: int = 1, *, size: int = 10) -> ResultPage:
    """Return page *number* (from 1) of the input's unanswered records. Raises :class:`UserError` and AwsError."""
    stored = ResultIndex.objects.filter(job=job).first()
    inputs = stored.inputs if stored else Index()
    places = inputs.page(max(number, 1), size, only_errors=True)
    files = {file.name: file for file in input_files(job)} if places else {}
    if any(place.file not in files or files[place.file].size < place.end for place in places):
        raise _input_changed()

    def read_range(name: str, start: int, end: int) -> bytes:
        return read_span(files[name], start, end)

    family = family_for(job.model_id, job.model_invocation_type)
    rows = [ResultRow(place.position, read_input_line(line, family)) for place, line in fetch(places, read_range)]
    return ResultPage(number, size, len(inputs.errors), rows)


@dataclass
class Found:
    """The outcome of a search for records.

    ``next`` is the position to continue from, ``None`` if all records were searched; ``of`` is the number of records to
    search.
    """

    rows: list[ResultRow] = field(default_factory=list)
    next: int | None = None
    of: int = 0


def find_records(
    job: BatchJob,
    text: str,
    *,
    since: int = 0,
    at_most: int = 50,
    seconds: float = SEARCH_SECONDS,
    wanted: Wanted = EVERYTHING,
) -> Found:
    """Return the first records of *job* with the id *text*, or else, from *since* on, those that contain *text*.

    Only records that match *wanted* count, in their own order. The id is looked up in an index. A text is searched for
    in the output, or in the input for unanswered records, for at most *seconds*. Raises :class:`UserError` if the input
    has changed, and :class:`AwsError`.
    """
    stored = ResultIndex.objects.filter(job=job).first()
    if stored is None:
        return Found()
    until = time.monotonic() + seconds
    if wanted.only == UNANSWERED:
        index = stored.inputs
        search = _Search(index, set(index.errors), partial(_indexed_inputs, job, index), read_input_line)
        return search.find(job, text, since=since, at_most=at_most, until=until)
    index = stored.index
    among = set(positions(index, stored.totals, wanted))
    places = [place for place in index.find(text) if place.position in among]
    named = [row for row in _read(job, places[:at_most]) if row.record.record_id == text]
    if named:
        return Found(named, of=len(index))
    search = _Search(index, among, partial(output_files, job), read_line)
    return search.find(job, text, since=since, at_most=at_most, until=until)


@dataclass(frozen=True)
class _Search:
    """A search for a text in the records of ``index`` at the positions ``among``."""

    index: Index
    among: set[int]
    files: Callable[[], list[InputFile]]
    read: Callable[[bytes, AnyFamily | None], Record]

    def find(self, job: BatchJob, text: str, *, since: int, at_most: int, until: float) -> Found:
        index, found = self.index, Found(next=since, of=len(self.index))
        if not 0 <= since < len(index) or not self.among:
            return Found(of=len(index))

        def go_on(position: int) -> bool:
            found.next = position if position < len(index) else None
            return time.monotonic() < until

        family = family_for(job.model_id, job.model_invocation_type)
        matches = find_text(self.files(), text, family, since=index.place(since), go_on=go_on, read=self.read)
        with closing(matches):  # type: ignore[type-var] # a generator
            for place, record in islice((match for match in matches if match[0].position in self.among), at_most):
                found.rows.append(ResultRow(place.position, record))
        if len(found.rows) == at_most:
            following = found.rows[-1].position + 1
            found.next = following if following < len(index) else None
        return found


def _indexed_inputs(job: BatchJob, index: Index) -> list[InputFile]:
    """Return the input files of *job*. Raises :class:`UserError` if they are not the indexed ones."""
    files = input_files(job)
    if [(file.name, file.size) for file in files] != [(source.name, source.size) for source in index.sources]:
        raise _input_changed()
    return files


def _input_changed() -> UserError:
    return UserError("The input of this job has changed since its results were read.", "", "Read the results again.")


def output_files(job: BatchJob) -> list[InputFile]:
    """Return the output of *job*, in the version that was read, as files; reading a changed one raises AwsError."""
    reader = Reader(job.connection.target, parse_s3_uri(job.output_s3_uri)[0])
    return [InputFile(file.name, file.size, partial(reader.open, file)) for file in job.result_files.all()]


def read_record(job: BatchJob, position: int) -> ResultRow | None:
    """Return the record at *position*, counted from 0, or ``None`` if there is none. Raises :class:`AwsError`."""
    stored = ResultIndex.objects.filter(job=job).first()
    index = stored.index if stored else Index()
    return _read(job, [index.place(position)])[0] if 0 <= position < len(index) else None


def records_at(job: BatchJob, positions: Iterable[int]) -> Callable[[], dict[int, Record]]:
    """Return a function that reads the records at *positions* of the output from S3, and needs no database.

    It returns them by position, and raises :class:`AwsError`. Without results, it returns nothing.
    """
    stored = ResultIndex.objects.filter(job=job).first()
    index = stored.index if stored else Index()
    places = [index.place(position) for position in sorted(positions) if position < len(index)]
    read = _reader(job, places)
    return lambda: {row.position: row.record for row in read()}


def _read(job: BatchJob, places: list[Place]) -> list[ResultRow]:
    """Return the records at *places*, merging neighbouring places into as few ranged reads as possible."""
    return _reader(job, places)()


def _reader(job: BatchJob, places: list[Place]) -> Callable[[], list[ResultRow]]:
    """Return a function that reads the records at *places* from S3; all that the database knows is read now."""
    target, (bucket, _) = job.connection.target, output_folder(job)
    names = {place.file for place in places}
    files = {file.name: file for file in job.result_files.filter(name__in=names)}

    def read_range(name: str, start: int, end: int) -> bytes:
        file = files[name]
        return s3.get_range(target, bucket, file.key, start=start, end=end, etag=file.etag)

    family = family_for(job.model_id, job.model_invocation_type)
    return lambda: [ResultRow(place.position, read_line(line, family)) for place, line in fetch(places, read_range)]
