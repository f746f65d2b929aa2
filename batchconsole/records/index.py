"""The place of each record in some files, and the values to sort and filter by, in about twenty bytes per record.

With it, page 400 is a ranged read instead of a scan.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from batchconsole.records.fingerprints import fingerprints
from batchconsole.records.lines import MAX_LINE_BYTES

VERSION = 1
ARRAYS = ("starts", "ids", "errors", "matches", "mismatches", "stops", "tokens")
NO_TOKENS = 2**32 - 1
MAX_GAP = 2**16  # largest gap in bytes to read and discard rather than send another request

# Before Python 3.12 ``array`` takes no type parameter at run time, so this type is a string.
Numbers: TypeAlias = "array[int]"
ReadRange = Callable[[str, int, int], bytes]


class Place(msgspec.Struct, frozen=True):
    """One record: its position among all, its file, and its byte range ``[start, end)``, which may end in newlines."""

    position: int
    file: str
    start: int
    end: int


class _Source(msgspec.Struct):
    name: str
    size: int
    first: int


class _Packed(msgspec.Struct):
    version: int
    sources: list[_Source]
    starts: bytes
    ids: bytes
    errors: bytes
    matches: bytes = b""
    mismatches: bytes = b""
    stops: bytes = b""
    tokens: bytes = b""


class Index:
    """The places of the records of one or more files, in order, with errors and ids; built line by line or unpacked.

    ``matches`` and ``mismatches`` are the positions of the answers that match their output schema, and of those that do
    not. ``stops`` holds the number of each record's stop reason and ``tokens`` its output tokens (:data:`NO_TOKENS` if
    unknown); both are empty for inputs, and for outputs that were read by older versions.
    """

    def __init__(self) -> None:
        self.sources: list[_Source] = []
        self.starts: Numbers = array("Q")
        self.ids: Numbers = array("q")
        self.errors: Numbers = array("I")
        self.matches: Numbers = array("I")
        self.mismatches: Numbers = array("I")
        self.stops: Numbers = array("B")
        self.tokens: Numbers = array("I")

    def __len__(self) -> int:
        return len(self.starts)

    def add_file(self, name: str, size: int) -> None:
        """Start file *name* of *size* bytes; records added from now on belong to it."""
        self.sources.append(_Source(name, size, len(self.starts)))

    def add(self, starts: Iterable[int], ids: Iterable[int], errors: Iterable[int]) -> None:
        """Add records by their start bytes, their ids' fingerprints (``NO_ID`` if none), and the positions of errors.

        The positions in *errors* count all records of the index.
        """
        self.starts.extend(starts)
        self.ids.extend(ids)
        self.errors.extend(errors)

    def place(self, position: int) -> Place:
        """Return the place of the record at *position*. Raises ``IndexError`` past the end."""
        if not 0 <= position < len(self.starts):
            raise IndexError(f"There is no record {position}; there are {len(self.starts)}.")
        number = bisect_right(self.sources, position, key=lambda source: source.first) - 1
        source = self.sources[number]
        after = self.sources[number + 1].first if number + 1 < len(self.sources) else len(self.starts)
        end = self.starts[position + 1] if position + 1 < after else source.size
        return Place(position, source.name, self.starts[position], end)

    def page(self, number: int, size: int, *, only_errors: bool = False) -> list[Place]:
        """Return the places of page *number* (from 1) of *size* records; an empty list past the end."""
        return self.page_of(self.errors if only_errors else range(len(self.starts)), number, size)

    def page_of(self, positions: Sequence[int], number: int, size: int) -> list[Place]:
        """Return the places of page *number* (from 1) of the records at *positions*; an empty list past the end."""
        return [self.place(position) for position in positions[(number - 1) * size : number * size]]

    def find(self, record_id: str) -> list[Place]:
        """Return the places of records with that id. Two ids rarely share a fingerprint, so check the record itself."""
        wanted, place, found = next(fingerprints([record_id])), -1, []
        while (place := _index(self.ids, wanted, place + 1)) >= 0:
            found.append(self.place(place))
        return found

    def pack(self) -> bytes:
        """Return the index as bytes for storage, about twenty per record."""
        return msgspec.msgpack.encode(
            _Packed(VERSION, self.sources, *(getattr(self, name).tobytes() for name in ARRAYS))
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Index":
        """Restore the index from the bytes of :meth:`pack`, on a machine with the same byte order.

        Raises ``msgspec.DecodeError`` or ``ValueError`` for anything else.
        """
        packed = msgspec.msgpack.decode(data, type=_Packed)
        if packed.version != VERSION:
            raise ValueError(f"This index has version {packed.version}; only {VERSION} can be read. Make it anew.")
        index = cls()
        index.sources = packed.sources
        for name in ARRAYS:
            getattr(index, name).frombytes(getattr(packed, name))
        return index


def _index(numbers: Numbers, wanted: int, start: int) -> int:
    try:
        return numbers.index(wanted, start)
    except ValueError:
        return -1


def fetch(places: Sequence[Place], read_range: ReadRange) -> Iterator[tuple[Place, bytes]]:
    """Yield each place with its line. *read_range* gets a file name, a start and an end; neighbours share one call.

    A line longer than :data:`lines.MAX_LINE_BYTES` may be cut.
    """
    for group in _neighbours(places):
        start = group[0].start
        data = read_range(group[0].file, start, min(group[-1].end, group[-1].start + MAX_LINE_BYTES))
        for place in group:
            yield place, data[place.start - start : place.end - start].strip(b"\n")


def _neighbours(places: Sequence[Place]) -> Iterator[list[Place]]:
    group: list[Place] = []
    for place in places:
        if group and (place.file != group[0].file or not 0 <= place.start - group[-1].end <= MAX_GAP):
            yield group
            group = []
        group.append(place)
    if group:
        yield group
