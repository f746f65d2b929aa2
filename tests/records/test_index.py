"""Page N by index is page N by scan, ids are found, and an index survives being packed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records import files
from batchconsole.records.families import FAMILIES
from batchconsole.records.index import Index, fetch
from batchconsole.records.results import scan
from tests.records.jobs import FAILED, OK, Truth, jobs, output_file, seeds

FAMILY = FAMILIES["titan_embeddings"]
TWO: Truth = [
    ({"recordId": f"R{number}", "modelInput": {"inputText": "x"}}, FAILED if number % 3 else OK) for number in range(7)
]


def lines_by_index(outputs: dict[str, bytes], index: Index, page: int, size: int, *, only_errors: bool) -> list[bytes]:
    places = index.page(page, size, only_errors=only_errors)
    return [line for _, line in fetch(places, lambda name, start, end: outputs[name][start:end])]


@given(
    first=jobs,
    second=jobs,
    seed=seeds,
    page=st.integers(1, 5),
    size=st.integers(1, 4),
    gap=st.integers(0, 2),
    only_errors=st.booleans(),
)
def test_page_n_by_index_is_page_n_by_scan(
    first: Truth, second: Truth, seed: int, page: int, size: int, gap: int, only_errors: bool
) -> None:
    outputs = {}
    for name, truth in (("a.out", first), ("b.out", second)):
        data = b"".join(output_file(truth, seed).open(start=0))
        outputs[name] = data.replace(b"\n", b"\n" * (gap + 1))
    index = scan([files.from_bytes(name, data) for name, data in outputs.items()], FAMILY).index
    every = [line for data in outputs.values() for line in data.split(b"\n") if line]
    if only_errors:
        every = [line for line in every if b"errorCode" in line]
    found = lines_by_index(outputs, Index.unpack(index.pack()), page, size, only_errors=only_errors)
    assert found == every[(page - 1) * size : page * size]


def test_a_record_is_found_by_its_id() -> None:
    output = output_file(TWO)
    index = scan([output], FAMILY).index
    [(_, line)] = fetch(index.find("R5"), lambda name, start, end: b"".join(output.open(start=0))[start:end])
    assert msgspec.json.decode(line)["recordId"] == "R5"
    assert index.find("R99") == []


def test_neighbours_are_read_at_once() -> None:
    output = output_file(TWO)
    asked: list[tuple[int, int]] = []

    def read(name: str, start: int, end: int) -> bytes:
        asked.append((start, end))
        return b"".join(output.open(start=0))[start:end]

    index = scan([output], FAMILY).index
    assert len(list(fetch(index.page(1, 7), read))) == 7
    assert asked == [(0, output.size)]


def test_an_index_takes_twenty_one_bytes_a_record() -> None:
    truth = TWO[:1] * 5000
    assert len(scan([output_file(truth)], FAMILY).index.pack()) < 5000 * 21 + 300


def test_there_is_no_record_past_the_end() -> None:
    index = scan([output_file(TWO)], FAMILY).index
    assert index.page(9, 10) == []
    with pytest.raises(IndexError, match="There is no record 7"):
        index.place(7)


@pytest.mark.parametrize("data", [b"", b"{}", Index().pack().replace(b"version\x01", b"version\x02")])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, msgspec.DecodeError)):
        Index.unpack(data)
