"""Ids that differ keep different fingerprints, and what repeats is counted exactly, in whatever parts it came."""

import itertools
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import fingerprints as module
from batchconsole.records.fingerprints import Fingerprints, fingerprints

STRUCTURED = {
    "counters": [f"REC{number:08d}" for number in range(100_000)],
    "letters": ["".join(letters) for letters in itertools.product("abcdefgh", repeat=5)],
    "bits": ["".join(bits) for bits in itertools.product("01", repeat=16)],
    "dates": [f"CALL{number:05d}-2026{month:02d}01" for number in range(8_000) for month in range(1, 13)],
    "paths": [f"customer-{a:03d}/order-{b:03d}/line" for a in range(300) for b in range(300)],
}


@pytest.mark.parametrize("kind", STRUCTURED)
def test_structured_ids_get_fingerprints_of_their_own(kind: str) -> None:
    assert len(set(fingerprints(STRUCTURED[kind]))) == len(STRUCTURED[kind])


def test_another_process_makes_the_same_fingerprints() -> None:
    code = "from batchconsole.records.fingerprints import *; print(list(fingerprints(['a', 'REC0000001', 'é'])))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(list(fingerprints(["a", "REC0000001", "é"])))


def collect(parts: list[list[str]]) -> Fingerprints:
    whole = Fingerprints()
    for part in parts:
        other = Fingerprints()
        other.add(part)
        whole.merge(other)
    return whole


@given(parts=st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=9), max_size=4))
def test_repeats_are_counted_exactly(parts: list[list[str]]) -> None:
    counts = Counter(itertools.chain(*parts))
    surplus, found = collect(parts).repeated(limit=99)
    assert surplus == sum(counts.values()) - len(counts)
    assert found == set(fingerprints([name for name, count in counts.items() if count > 1]))


def test_more_ids_than_fit_into_one_set_are_compared() -> None:
    count, step = 2 * module.AT_ONCE + 1, module.AT_ONCE // 4
    everything = collect(
        [[str(number) for number in range(start, min(start + step, count))] for start in range(0, count, step)]
    )
    everything.add(["7", "300000"])
    assert everything.repeated(limit=9) == (2, set(fingerprints(["7", "300000"])))


def test_past_the_bound_ids_are_counted_and_not_kept() -> None:
    full = Fingerprints()
    full.count = module.MAX_FINGERPRINTS
    full.add(["a"])
    assert full.dropped == 1
    assert full.repeated(limit=1) == (0, set())
