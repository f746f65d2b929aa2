"""Which recordIds occur more than once, counted exactly in eight bytes a record."""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Literal, TypeAlias

AT_ONCE = 2**19  # numbers in one set, about 60 MB
MAX_FINGERPRINTS = 2**24  # 128 MiB; hundreds of times the records a job may have


def fingerprints(record_ids: Iterable[str]) -> Iterator[int]:
    """A signed 64-bit number for each id, the same in every process (``hash`` of a string is not).

    Two sums of unlike arithmetic, CRC-32 and the remainder modulo 2^61 - 1 that Python hashes a number to, hashed as a
    pair. All of it runs in C. Ids that differ share a number by chance only, about once in 10^19 pairs.
    """
    encoded = list(map(str.encode, record_ids))
    order: Iterator[Literal["little"]] = repeat("little")
    return map(hash, zip(map(zlib.crc32, encoded), map(int.from_bytes, encoded, order), strict=True))


NO_ID = next(fingerprints([""]))  # an empty id counts as none

# At run time ``array`` takes no parameter before Python 3.12, hence the quotes.
Run: TypeAlias = "array[int]"


class Fingerprints:
    """The fingerprints of all recordIds seen, so that many can be compared in little memory."""

    def __init__(self) -> None:
        self.runs: list[Run] = [array("q")]
        self.count = 0
        self.dropped = 0

    def add(self, record_ids: list[str]) -> None:
        """Remember *record_ids*; past :data:`MAX_FINGERPRINTS` they are only counted as ``dropped``."""
        if self.count + len(record_ids) > MAX_FINGERPRINTS:
            self.dropped += len(record_ids)
            return
        self.runs[-1].extend(fingerprints(record_ids))
        self.count += len(record_ids)

    def merge(self, other: "Fingerprints") -> None:
        """Take in those of another part of the input."""
        if self.count + other.count > MAX_FINGERPRINTS:
            self.dropped += other.count
        else:
            self.runs += other.runs
            self.count += other.count
        self.dropped += other.dropped

    def repeated(self, *, limit: int) -> tuple[int, set[int]]:
        """How many records have an id that an earlier one has, and up to *limit* fingerprints of such ids."""
        surplus, found = 0, set[int]()
        for same in self._slices():
            distinct = len(set().union(*same))
            total = sum(map(len, same))
            if distinct < total:
                surplus += total - distinct
                found.update(_repeated_in(same, limit - len(found)))
        return surplus, found

    def _slices(self) -> Iterator[list[Run] | list[list[int]]]:
        """All numbers, about :data:`AT_ONCE` at a time and equal ones together: those of one range after the other."""
        parts = 1 + self.count // AT_ONCE
        if parts == 1:
            yield self.runs
            return
        width = 2**64 // parts + 1
        for start in range(-(2**63), 2**63, width):
            end = start + width
            yield [[number for number in run if start <= number < end] for run in self.runs]


def _repeated_in(runs: list[Run] | list[list[int]], limit: int) -> list[int]:
    counts: Counter[int] = Counter()
    for run in runs if limit > 0 else ():
        counts.update(run)
    return [number for number, count in counts.items() if count > 1][: max(limit, 0)]
