"""Splitting an input: as few parts as the limits allow, in order, and no byte of a record changed."""

from array import array
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.files import from_bytes
from batchconsole.records.limits import Limits
from batchconsole.records.report import FileSummary, Report
from batchconsole.records.splitting import CannotSplit, is_too_large, least_parts, measure, plan, split

NOVA = "amazon.nova-lite-v1:0"
WIDE: dict[str, Any] = {"bytes_per_job": 10**9, "bytes_per_file": 10**9, "records_per_file": 10**6}


def limits(**changes: Any) -> Limits:
    return Limits(**{**WIDE, "records_per_job": 10**6, "min_records_per_job": 1, **changes})


def ends_of(sizes: list[int]) -> "array[int]":
    ends, end = array("q"), 0
    for size in sizes:
        end += size
        ends.append(end)
    return ends


def ignore(size: int) -> None:
    """Nobody follows."""


def parts_of(files: dict[str, bytes], allowed: Limits) -> dict[str, bytes]:
    """What is written, by part and name."""
    inputs = [from_bytes(name, data) for name, data in files.items()]
    ends = measure(inputs, limits=allowed, progress=ignore)
    lines = split(inputs, plan(ends, allowed), allowed, progress=ignore)
    grouped = groupby(lines, key=lambda line: f"{line.part}/{line.name}")
    return {name: b"".join(line.line for line in group) for name, group in grouped}


@pytest.mark.parametrize(
    ("sizes", "allowed", "cuts"),
    [
        ([10] * 7, limits(records_per_job=3), [2, 4, 7]),
        ([10] * 9, limits(bytes_per_job=50), [4, 9]),
        # Equal numbers of records do not fit, equal sizes do.
        ([40, 40, 10, 10, 10, 10, 10, 10], limits(bytes_per_job=80), [2, 8]),
        # Neither fits, so each is filled up.
        ([30, 60, 30, 60, 60], limits(bytes_per_job=95), [2, 4, 5]),
        ([], limits(), [0]),
        ([5], limits(), [1]),
    ],
)
def test_an_input_is_cut_into_as_few_parts_as_possible(sizes: list[int], allowed: Limits, cuts: list[int]) -> None:
    assert plan(ends_of(sizes), allowed) == cuts


def test_the_last_part_has_the_least_number_of_records_too() -> None:
    sizes = [50, *[1] * 40, 50, *[1] * 10]
    allowed = limits(bytes_per_job=90, min_records_per_job=20, records_per_job=45)
    cuts = plan(ends_of(sizes), allowed)
    assert len(cuts) == 2
    assert cuts[1] - cuts[0] >= 20


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 20), st.integers(50, 300))
def test_no_part_exceeds_a_limit(sizes: list[int], records: int, size: int) -> None:
    ends, allowed = ends_of(sizes), limits(records_per_job=records, bytes_per_job=size)
    cuts = plan(ends, allowed)
    assert cuts[-1] == len(sizes)
    for start, end in zip([0, *cuts], cuts, strict=False):
        assert 0 < end - start <= records
        assert sum(sizes[start:end]) <= size
    assert len(cuts) >= least_parts(records=len(sizes), size=sum(sizes), limits=allowed)


def test_records_keep_their_bytes_and_their_order_over_several_files() -> None:
    files = {"b.jsonl": b'\xef\xbb\xbf{"a":1}\r\n\n{"a":2}', "sub/a b.jsonl": b'{"a":3}\n{"a":4}\n{"a":5}\n'}
    assert parts_of(files, limits(records_per_job=3)) == {
        "1/00001-b.jsonl": b'{"a":1}\r\n{"a":2}\n',
        "2/00001-sub-a-b.jsonl": b'{"a":3}\n{"a":4}\n{"a":5}\n',
    }


def test_a_part_has_as_many_files_as_their_limits_ask_for() -> None:
    found = parts_of({"in.jsonl": b"[1]\n" * 5}, limits(records_per_file=2, bytes_per_file=4 * 2))
    assert found == {
        "1/00001-in.jsonl": b"[1]\n" * 2,
        "1/00002-in.jsonl": b"[1]\n" * 2,
        "1/00003-in.jsonl": b"[1]\n",
    }


def test_a_record_that_no_file_takes_is_named() -> None:
    with pytest.raises(CannotSplit, match=r"Line 2 of in\.jsonl has 8 bytes\. A file may have 5\."):
        parts_of({"in.jsonl": b"[1]\n[11,222]\n"}, limits(bytes_per_file=5))


def test_parts_are_planned_for_records_that_get_longer() -> None:
    files = [from_bytes("in.jsonl", b"[1]\n[2]\n")]
    ends = measure(files, limits=limits(), progress=ignore, growth=lambda line, place: len(place))
    assert ends.tolist() == [4 + len("Line 1 of in.jsonl"), 8 + 2 * len("Line 1 of in.jsonl")]


def test_records_are_written_as_they_are_moved() -> None:
    files = [from_bytes("in.jsonl", b"[1]\n[2]\n")]
    lines = split(files, [1, 2], limits(), progress=ignore, moved=lambda line, part: line + b" %d" % part)
    assert [line.line for line in lines] == [b"[1] 1\n", b"[2] 2\n"]


@pytest.mark.parametrize(
    ("records", "size", "of_file", "expected"),
    [
        (10, 10, FileSummary(name="a", records=10, bytes=10), False),
        (11, 10, FileSummary(name="a", records=5, bytes=10), True),
        (10, 11, FileSummary(name="a", records=5, bytes=5), True),
        (10, 10, FileSummary(name="a", records=10, bytes=9), True),
        (10, 10, FileSummary(name="a", records=4, bytes=10), True),
    ],
)
def test_too_large_in_all_or_in_one_file(records: int, size: int, of_file: FileSummary, expected: bool) -> None:
    report = Report(model_id=NOVA, invocation_type="Converse", records=records, bytes=size, files=[of_file])
    of_all = Limits(records_per_job=10, bytes_per_job=10, records_per_file=9, bytes_per_file=9)
    if not expected:
        of_all = Limits(records_per_job=10, bytes_per_job=10, records_per_file=10, bytes_per_file=10)
    assert is_too_large(report, of_all) is expected
