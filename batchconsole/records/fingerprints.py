"""Which recordIds occur more than once, counted exactly in eight bytes a record."""

import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Literal, TypeAlias

RUN = 2**18
MAX_FINGERPRINTS = 2**24  # 128 MiB; hundreds of times the records a job may have
_BITS = 64


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
    """The fingerprints of all recordIds seen, in sorted runs, so that many can be compared in little memory."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.open: Run = array("q")
        self.count = 0
        self.dropped = 0

    def add(self, record_ids: list[str]) -> None:
        """Remember *record_ids*; past :data:`MAX_FINGERPRINTS` they are only counted as ``dropped``."""
        if self.count + len(record_ids) > MAX_FINGERPRINTS:
            self.dropped += len(record_ids)
            return
        self.open.extend(fingerprints(record_ids))
        self.count += len(record_ids)
        if len(self.open) >= RUN:
            self.close()

    def close(self) -> None:
        """Sort what is not in a run yet: work a process had better do before it hands its part over."""
        if self.open:
            self.runs.append(array("q", sorted(self.open)))
            self.open = array("q")

    def merge(self, other: "Fingerprints") -> None:
        """Take in those of another part of the input."""
        other.close()
        self.dropped += other.dropped
        for run in other.runs:
            if self.count + len(run) > MAX_FINGERPRINTS:
                self.dropped += len(run)
            else:
                self.runs.append(run)
                self.count += len(run)

    def repeated(self, *, limit: int) -> tuple[int, set[int]]:
        """How many records have an id that an earlier one has, and up to *limit* fingerprints of such ids."""
        self.close()
        surplus, found = 0, set[int]()
        for same in self._slices():
            distinct = len(set().union(*same))
            total = sum(map(len, same))
            if distinct < total:
                surplus += total - distinct
                found.update(_repeated_in(same, limit - len(found)))
        return surplus, found

    def _slices(self) -> Iterator[list[Run]]:
        """Each run's part of one range of numbers after the other, about :data:`RUN` numbers in all at a time."""
        parts = max(1, self.count // RUN)
        bounds = [-(2 ** (_BITS - 1)) + (2**_BITS // parts) * number for number in range(1, parts)]
        cuts = [[0, *(bisect_left(run, bound) for bound in bounds), len(run)] for run in self.runs]
        for part in range(parts):
            yield [run[cut[part] : cut[part + 1]] for run, cut in zip(self.runs, cuts, strict=True)]


def _repeated_in(runs: list[Run], limit: int) -> list[int]:
    counts: Counter[int] = Counter()
    for run in runs if limit > 0 else ():
        counts.update(run)
    return [number for number, count in counts.items() if count > 1][: max(limit, 0)]
