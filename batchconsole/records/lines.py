"""Splits byte streams into lines: on ``\\n`` only, in bounded memory, with the place of every line.

JSON strings may contain raw U+0085 and U+2028, where ``str.splitlines`` would split, so this module only handles bytes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple, cast

MAX_LINE_BYTES = 64 * 2**20
CHUNK_BYTES = 2**18  # fits in the processor's cache while its lines are read


Split = Callable[[bytes], list[bytes]]


class Batch(NamedTuple):
    """Consecutive lines without their ``\\n``.

    ``offset`` is the byte position of the first line, ``end`` the position after the last line's ``\\n``. A line over
    the limit has its own batch, is cut to the limit, and ``cut`` is set.
    """

    offset: int
    end: int
    lines: list[bytes]
    cut: bool = False


def batches(chunks: Iterable[bytes], *, offset: int = 0, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Batch]:
    """Yield the lines of *chunks*, about one chunk at a time; *offset* is the first chunk's position in its file.

    A final ``\\n`` does not start another, empty line. At most one line and one chunk are held in memory.
    """
    return _batches(chunks, offset, max_line_bytes, _copies)


def _batches(chunks: Iterable[bytes], offset: int, max_line_bytes: int, split: Split) -> Iterator[Batch]:
    rest = b""
    skipped = 0  # bytes of a line over the limit that have been read
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
        lines[0] = rest + lines[0]  # joining only this one avoids copying the whole chunk
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
    """Split without copying; copies would take a third of the time of a check.

    The views are typed as bytes because they can be decoded, measured and cut like bytes.
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
    """Yield one batch, or one per line if any line is over the limit."""
    if max(map(len, lines)) <= limit:
        yield Batch(offset, end, lines)
        return
    for line in lines:
        after = offset + len(line) + 1
        yield Batch(offset, after, [line[:limit]], cut=len(line) > limit)
        offset = after


def iter_lines(chunks: Iterable[bytes], *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """Yield the lines of *chunks* one by one; a line over the limit is cut."""
    for batch in batches(chunks, max_line_bytes=max_line_bytes):
        yield from batch.lines


def range_batches(
    chunks: Iterable[bytes], *, start: int, end: int, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Batch]:
    """Yield the lines that begin in ``[start, end)`` of a file.

    *chunks* begin at ``max(start - 1, 0)``, one byte early, to see whether a line begins at *start*. They are read past
    *end* until the last of these lines ends. Adjacent ranges share no line and miss none.

    Lines may be ``memoryview`` objects into a chunk: decode them directly, and use ``bytes(line)`` for anything else.
    """
    for batch in _batches(chunks, max(start - 1, 0), max_line_bytes, _views):
        if batch.offset < start:  # its first line belongs to the previous range
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
    """Yield *data* in chunks."""
    for start in range(0, len(data), chunk_bytes):
        yield data[start : start + chunk_bytes]
