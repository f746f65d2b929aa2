"""Lines are cut at \\n and nowhere else, whatever the chunks, and ranges that touch share no line and lose none."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from batchconsole.records.lines import Batch, batches, from_bytes, iter_lines, range_batches

texts = st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\n", b"x")) | st.just(b""), max_size=8)
streams = st.builds(
    lambda lines, last: b"".join(line + b"\n" for line in lines) + last, texts, st.sampled_from([b"", b"z"])
)


def expected(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(data=streams, chunk=st.integers(1, 5))
def test_lines_do_not_depend_on_the_chunks(data: bytes, chunk: int) -> None:
    assert list(iter_lines(from_bytes(data, chunk_bytes=chunk))) == expected(data)


@given(data=streams, chunk=st.integers(1, 5))
def test_batches_tell_where_their_lines_are(data: bytes, chunk: int) -> None:
    end = 0
    for batch in batches(from_bytes(data, chunk_bytes=chunk)):
        assert batch.offset == end
        assert data[batch.offset : batch.end].removesuffix(b"\n") == b"\n".join(batch.lines)
        end = batch.end
    assert end == len(data)


@given(data=streams, chunk=st.integers(1, 5), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_ranges_share_no_line_and_lose_none(data: bytes, chunk: int, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = []
    for start, end in pairwise(places):
        chunks = from_bytes(data[max(start - 1, 0) :], chunk_bytes=chunk)
        for batch in range_batches(chunks, start=start, end=end):
            assert data[batch.offset : batch.end].removesuffix(b"\n") == b"\n".join(batch.lines)
            found += batch.lines
    assert found == expected(data)


@given(data=streams, chunk=st.integers(1, 5), limit=st.integers(1, 4))
def test_long_lines_come_cut_and_alone(data: bytes, chunk: int, limit: int) -> None:
    found = list(batches(from_bytes(data, chunk_bytes=chunk), max_line_bytes=limit))
    assert [line for batch in found for line in batch.lines] == [line[:limit] for line in expected(data)]
    assert all(len(batch.lines) == 1 for batch in found if batch.cut)
    assert sum(batch.cut for batch in found) == sum(len(line) > limit for line in expected(data))
    assert [batch.offset for batch in found[1:]] == [batch.end for batch in found[:-1]]


@given(data=streams, chunk=st.integers(1, 5), limit=st.integers(1, 4), cut=st.integers(0, 40))
def test_ranges_of_long_lines_lose_none(data: bytes, chunk: int, limit: int, cut: int) -> None:
    found = []
    for start, end in ((0, cut), (cut, len(data))):
        if start < end:
            chunks = from_bytes(data[max(start - 1, 0) :], chunk_bytes=chunk)
            found += [
                line
                for batch in range_batches(chunks, start=start, end=end, max_line_bytes=limit)
                for line in batch.lines
            ]
    assert found == [line[:limit] for line in expected(data)]


def test_unicode_line_separators_do_not_end_a_line() -> None:
    line = "a\x85b\u2028c\r".encode()
    assert list(batches([line + b"\n"])) == [Batch(0, len(line) + 1, [line])]
