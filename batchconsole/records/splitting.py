"""Split an input that is too large for one job into parts that are not. Records keep their order and every byte.

The input is read twice: once to measure it, so that the parts can be planned, and once to write them. Apart from eight
bytes per record, memory use does not grow with the files.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from batchconsole.records.files import InputFile
from batchconsole.records.index import Numbers
from batchconsole.records.limits import Limits
from batchconsole.records.lines import MAX_LINE_BYTES, batches
from batchconsole.records.media import LONGEST_NAME, NOT_IN_KEYS
from batchconsole.records.report import Report
from batchconsole.records.scanning import without_mark


class CannotSplit(ValueError):
    """The input cannot be split; ``str(error)`` says why, ``hint`` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Line(NamedTuple):
    """A record as a line with its line end, the number of its part and of its file in the part (both from 1)."""

    line: bytes
    part: int
    number: int
    file: str

    @property
    def name(self) -> str:
        """The name of the file to write; names sort in the order of the records."""
        stem = NOT_IN_KEYS.sub("-", self.file.removesuffix(".jsonl"))[-LONGEST_NAME:]
        return f"{self.number:05}-{stem}.jsonl"


def is_too_large(report: Report, limits: Limits) -> bool:
    """Whether the checked input has more records or bytes, in all or in one file, than a job may have."""
    return (
        report.records > limits.records_per_job
        or report.bytes > limits.bytes_per_job
        or any(file.records > limits.records_per_file or file.bytes > limits.bytes_per_file for file in report.files)
    )


def least_parts(*, records: int, size: int, limits: Limits) -> int:
    """Return how many jobs an input of so many records and bytes needs at least."""
    return max(1, -(-records // limits.records_per_job), -(-size // limits.bytes_per_job))


def no_growth(line: bytes, place: str) -> int:
    """Say that the record is written as it is."""
    return 0


def measure(
    files: Iterable[InputFile],
    *,
    limits: Limits,
    progress: Callable[[int], None],
    growth: Callable[[bytes, str], int] = no_growth,
) -> Numbers:
    """Return, for each record of *files*, the size in bytes up to its end; *progress* gets the bytes of each read.

    *growth* gets each record with the name of its place, and returns by how many bytes it will be longer at most.
    Raises :class:`CannotSplit` for a record that fits into no file.
    """
    ends: Numbers = array("q")
    end, most = 0, min(limits.bytes_per_file, limits.bytes_per_job)
    for file in files:
        for line, number in numbered_lines(file, progress):
            place = f"Line {number} of {file.name}"
            size = len(line) + 1 + growth(line, place)
            if size > most:
                raise CannotSplit(f"{place} has {size - 1:,} bytes. A file may have {most:,}.", "Shorten this record.")
            end += size
            ends.append(end)
    return ends


def numbered_lines(file: InputFile, progress: Callable[[int], None]) -> Iterator[tuple[bytes, int]]:
    """Yield the lines of *file* that are not blank, and their numbers from 1. Raises :class:`CannotSplit`."""
    number = read = 0
    for batch in batches(file.open(start=0)):
        if batch.cut:
            raise CannotSplit(
                f"Line {number + 1} of {file.name} is longer than {MAX_LINE_BYTES >> 20} MiB.", "Shorten this record."
            )
        for line in without_mark(batch).lines:
            number += 1
            if line and not line.isspace():
                yield line, number
        progress(batch.end - read)
        read = batch.end


def plan(ends: Numbers, limits: Limits) -> list[int]:
    """Return for each part the number of records up to its end: as few parts as possible, of about equal size.

    *ends* is what :func:`measure` returns.
    Parts have equal numbers of records if all of them fit so, otherwise equal sizes, otherwise as much as fits.
    """
    filled = _filled(ends, limits)
    count, size = len(filled), ends[-1] if ends else 0
    by_records = [len(ends) * number // count for number in range(1, count + 1)]
    by_bytes = [bisect_right(ends, size * number // count) for number in range(1, count + 1)]
    for cuts in (by_records, by_bytes):
        if _fits(cuts, ends, limits):
            return cuts
    return _with_a_longer_end(filled, ends, limits)


def _filled(ends: Numbers, limits: Limits) -> list[int]:
    """Return the cuts if each part is filled up, which gives the fewest parts."""
    cuts, start = [], 0
    while start < len(ends):
        fits = bisect_right(ends, _size(ends, 0, start) + limits.bytes_per_job)
        start = min(start + limits.records_per_job, max(fits, start + 1))
        cuts.append(start)
    return cuts or [0]


def _size(ends: Numbers, start: int, end: int) -> int:
    """Return the size of the records from *start* up to but not including *end*."""
    return (ends[end - 1] if end else 0) - (ends[start - 1] if start else 0)


def _fits(cuts: Sequence[int], ends: Numbers, limits: Limits) -> bool:
    return all(
        0 < end - start <= limits.records_per_job and _size(ends, start, end) <= limits.bytes_per_job
        for start, end in zip([0, *cuts], cuts, strict=False)
    )


def _with_a_longer_end(cuts: list[int], ends: Numbers, limits: Limits) -> list[int]:
    """Give the last part records of the one before until it has the least that a job takes, if they fit."""
    if len(cuts) < 2:
        return cuts
    before = cuts[-3] if len(cuts) > 2 else 0
    start = max(before + 1, min(cuts[-2], cuts[-1] - limits.min_records_per_job))
    moved = [*cuts[:-2], start, cuts[-1]]
    return moved if _fits(moved, ends, limits) else cuts


def unmoved(line: bytes, part: int) -> bytes:
    """Return the record as it is."""
    return line


def split(
    files: Iterable[InputFile],
    cuts: Sequence[int],
    limits: Limits,
    *,
    progress: Callable[[int], None],
    moved: Callable[[bytes, int], bytes] = unmoved,
) -> Iterator[Line]:
    """Yield the records of *files* with their places in the parts that end at *cuts* (see :func:`plan`).

    A new file starts with each part, with each file of the input, and where the next record would exceed a file's
    limits. *moved* gets each record with the number of its part, and returns what to write. Raises
    :class:`CannotSplit`.
    """
    part, number, position = 1, 0, 0
    for file in files:
        records, size = limits.records_per_file, 0  # so that the first record starts a file
        for read, _ in numbered_lines(file, progress):
            if position >= cuts[part - 1]:
                part, number, records = part + 1, 0, limits.records_per_file
            line = moved(read, part)
            if records >= limits.records_per_file or size + len(line) + 1 > limits.bytes_per_file:
                number, records, size = number + 1, 0, 0
            records, size, position = records + 1, size + len(line) + 1, position + 1
            yield Line(line + b"\n", part, number, file.name)
