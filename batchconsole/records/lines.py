"""Splitting byte streams into lines: on ``\\n`` only, in bounded memory, with the place of every line.

JSON strings may hold raw U+0085 and U+2028, which ``str.splitlines`` would cut at, so text never comes in here.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple, cast

MAX_LINE_BYTES = 64 * 2**20
CHUNK_BYTES = 2**18  # stays in the processor's cache while its lines are looked at


Split = Callable[[bytes], list[bytes]]


class Batch(NamedTuple):
    """Consecutive lines without their ``\\n``.

    ``offset`` is the place of the first one in bytes, ``end`` the place after the last one's ``\\n``. A line over the
    limit comes alone, cut to the limit, with ``cut`` set.
    """

    offset: int
    end: int
    lines: list[bytes]
    cut: bool = False


def batches(chunks: Iterable[bytes], *, offset: int = 0, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Batch]:
    """The lines of *chunks*, about one chunk at a time; *offset* is where the first chunk begins in its file.

    Nothing comes for the emptiness after a last ``\\n``. At most one line and one chunk are held in memory.
    """
    return _batches(chunks, offset, max_line_bytes, _copies)


def _batches(chunks: Iterable[bytes], offset: int, max_line_bytes: int, split: Split) -> Iterator[Batch]:
    rest = b""
    skipped = 0  # bytes already read of a line over the limit
    for chunk in chunks:
        if skipped:
            end = chunk.find(b"\n")
            if end < 0:
                skipped += len(chunk)
                continue
            yield Batch(offset, offset + skipped + end + 1, [rest], cut=True)
            offset, rest, chunk, skipped = offset + skipped + end + 1, b"", chunk[end + 1 :], 0
        before = len(rest)
        lines = split(chunk)
        lines[0] = rest + lines[0]  # joining only this one spares a copy of the whole chunk
        rest = bytes(lines.pop())
        if lines:
            end = offset + before + len(chunk) - len(rest)
            yield from _within(offset, end, lines, max_line_bytes)
            offset = end
        if len(rest) > max_line_bytes:
            rest, skipped = rest[:max_line_bytes], len(rest)
    if skipped:
        yield Batch(offset, offset + skipped, [rest], cut=True)
    elif rest:
        yield Batch(offset, offset + len(rest), [rest])


def _copies(chunk: bytes) -> list[bytes]:
    return chunk.split(b"\n")


def _views(chunk: bytes) -> list[bytes]:
    """The same without copying: a third of the time that looking for problems takes would go into copies.

    Typed as bytes, as which views may be decoded, measured and cut.
    """
    view, find = memoryview(chunk), chunk.find
    lines, start, end = [], 0, find(b"\n")
    while end >= 0:
        lines.append(view[start:end])
        start = end + 1
        end = find(b"\n", start)
    lines.append(view[start:])
    return cast(list[bytes], lines)


def _within(offset: int, end: int, lines: list[bytes], limit: int) -> Iterator[Batch]:
    """One batch, or several when a line is over the limit."""
    if max(map(len, lines)) <= limit:
        yield Batch(offset, end, lines)
        return
    for line in lines:
        after = offset + len(line) + 1
        yield Batch(offset, after, [line[:limit]], cut=len(line) > limit)
        offset = after


def iter_lines(chunks: Iterable[bytes], *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """The lines of *chunks* one by one; a line over the limit comes cut."""
    for batch in batches(chunks, max_line_bytes=max_line_bytes):
        yield from batch.lines


def range_batches(
    chunks: Iterable[bytes], *, start: int, end: int, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Batch]:
    """The lines that begin in ``[start, end)`` of a file.

    *chunks* begin at ``max(start - 1, 0)``: one byte early, to see whether a line begins at *start*. They are read past
    *end* as far as the last of these lines goes. Ranges that touch share no line and lose none.

    Lines may be ``memoryview`` into a chunk: fit to be decoded as they are, ``bytes(line)`` for the rest.
    """
    for batch in _batches(chunks, max(start - 1, 0), max_line_bytes, _views):
        if batch.offset < start:  # what it begins with belongs to the range before
            batch = Batch(batch.offset + len(batch.lines[0]) + 1, batch.end, batch.lines[1:], batch.cut)
        if batch.end > end:
            batch = _beginning_before(end, batch)
        if batch.lines:
            yield batch
        if batch.end >= end:
            return


def _beginning_before(limit: int, batch: Batch) -> Batch:
    places = list(accumulate((len(line) + 1 for line in batch.lines), initial=batch.offset))
    kept = bisect_left(places, limit, hi=len(batch.lines))
    end = batch.end if batch.cut or kept == len(batch.lines) else places[kept]
    return Batch(batch.offset, end, batch.lines[:kept], batch.cut)


def from_bytes(data: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """*data* as a stream of chunks."""
    for start in range(0, len(data), chunk_bytes):
        yield data[start : start + chunk_bytes]
