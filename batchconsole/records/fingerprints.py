"""Repeated recordIds, found with eight bytes per record."""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Literal, TypeAlias

AT_ONCE = 2**19  # numbers in one set, about 60 MB
MAX_FINGERPRINTS = 2**24  # 128 MiB; hundreds of times the records that a job may have


def fingerprints(record_ids: Iterable[str]) -> Iterator[int]:
    """Return a signed 64-bit number for each id, the same in every process (unlike ``hash`` of a string).

    It is the hash of a pair: CRC-32, and the id as an integer, which Python hashes modulo 2^61 - 1. All of it runs in
    C. Different ids share a number only by chance, about once in 10^19 pairs.
    """
    encoded = list(map(str.encode, record_ids))
    order: Iterator[Literal["little"]] = repeat("little")
    return map(hash, zip(map(zlib.crc32, encoded), map(int.from_bytes, encoded, order), strict=True))


NO_ID = next(fingerprints([""]))  # an empty id counts as no id

# Before Python 3.12 ``array`` takes no type parameter at run time, so this type is a string.
Run: TypeAlias = "array[int]"


class Fingerprints:
    """The fingerprints of all recordIds seen so far, to compare many ids in little memory."""

    def __init__(self) -> None:
        self.runs: list[Run] = [array("q")]
        self.count = 0
        self.dropped = 0

    def add(self, record_ids: list[str]) -> None:
        """Add *record_ids*; beyond :data:`MAX_FINGERPRINTS` they only count as ``dropped``."""
        if self.count + len(record_ids) > MAX_FINGERPRINTS:
            self.dropped += len(record_ids)
            return
        self.runs[-1].extend(fingerprints(record_ids))
        self.count += len(record_ids)

    def merge(self, other: "Fingerprints") -> None:
        """Add the fingerprints of another part of the input."""
        if self.count + other.count > MAX_FINGERPRINTS:
            self.dropped += other.count
        else:
            self.runs += other.runs
            self.count += other.count
        self.dropped += other.dropped

    def repeated(self, *, limit: int) -> tuple[int, set[int]]:
        """Return how many records repeat an earlier id, and up to *limit* fingerprints of such ids."""
        surplus, found = 0, set[int]()
        for same in self._slices():
            distinct = len(set().union(*same))
            total = sum(map(len, same))
            if distinct < total:
                surplus += total - distinct
                found.update(_repeated_in(same, limit - len(found)))
        return surplus, found

    def _slices(self) -> Iterator[list[Run] | list[list[int]]]:
        """Yield all numbers in ranges of about :data:`AT_ONCE`, so that equal ones come together."""
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
