"""Where each record of some files lies and what is sorted and filtered by, in some twenty bytes a record, so that
page 400 is a ranged read and not a scan.
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
MAX_GAP = 2**16  # bytes worth reading for nothing rather than asking once more

# At run time ``array`` takes no parameter before Python 3.12, hence the quotes.
Numbers: TypeAlias = "array[int]"
ReadRange = Callable[[str, int, int], bytes]


class Place(msgspec.Struct, frozen=True):
    """One record: its position among all, its file, and its bytes ``[start, end)``, which may end in newlines."""

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
    """The places of the records of one or more files, in order, with which of them are errors, and a way to find one by
    recordId. Built line by line, or unpacked.

    ``matches`` and ``mismatches`` are the positions of the answers that keep to their output schema, and that do not.
    ``stops`` has for each record the number of its stop reason and ``tokens`` its output tokens (:data:`NO_TOKENS`: not
    told); both are empty for inputs, and for outputs that were read by older versions.
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
        """The records added from now on are those of file *name* of *size* bytes."""
        self.sources.append(_Source(name, size, len(self.starts)))

    def add(self, starts: Iterable[int], ids: Iterable[int], errors: Iterable[int]) -> None:
        """Add records by the bytes where they start, the fingerprints of their ids (``NO_ID``: none) and the positions
        among all of those that are errors.
        """
        self.starts.extend(starts)
        self.ids.extend(ids)
        self.errors.extend(errors)

    def place(self, position: int) -> Place:
        """Where the record at *position* lies; raises ``IndexError`` past the end."""
        if not 0 <= position < len(self.starts):
            raise IndexError(f"There is no record {position}; there are {len(self.starts)}.")
        number = bisect_right(self.sources, position, key=lambda source: source.first) - 1
        source = self.sources[number]
        after = self.sources[number + 1].first if number + 1 < len(self.sources) else len(self.starts)
        end = self.starts[position + 1] if position + 1 < after else source.size
        return Place(position, source.name, self.starts[position], end)

    def page(self, number: int, size: int, *, only_errors: bool = False) -> list[Place]:
        """The places of page *number* (from 1) of *size* records; an empty list past the end."""
        return self.page_of(self.errors if only_errors else range(len(self.starts)), number, size)

    def page_of(self, positions: Sequence[int], number: int, size: int) -> list[Place]:
        """The places of page *number* (from 1) of the records at *positions*; an empty list past the end."""
        return [self.place(position) for position in positions[(number - 1) * size : number * size]]

    def find(self, record_id: str) -> list[Place]:
        """The places of the records with that id. Two ids share a fingerprint by rare chance, so look at the record."""
        wanted, place, found = next(fingerprints([record_id])), -1, []
        while (place := _index(self.ids, wanted, place + 1)) >= 0:
            found.append(self.place(place))
        return found

    def pack(self) -> bytes:
        """The index as bytes, to keep; about twenty a record."""
        return msgspec.msgpack.encode(
            _Packed(VERSION, self.sources, *(getattr(self, name).tobytes() for name in ARRAYS))
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Index":
        """The index that :meth:`pack` gave, on a machine of the same byte order.

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
    """Each place with its line. *read_range* is called with a file's name, start and end; neighbours are read at once.

    A line over the length any reader takes (:data:`lines.MAX_LINE_BYTES`) is cut.
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
