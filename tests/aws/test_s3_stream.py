"""Objects read ahead in ranges; objects written while they are made: small at once, large in parts, and never half."""

from collections.abc import Iterator

import pytest

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_stream import RANGE_BYTES, RANGES_AHEAD, read_ahead, write_stream
from batchconsole.aws.session import Target, client

MIB = 2**20


def test_a_small_object_is_written_at_once(target: Target, bucket: str) -> None:
    assert write_stream(target, bucket, "made/a", [b"one ", b"two"]) == 7
    assert s3.get_range(target, bucket, "made/a") == b"one two"


def test_nothing_is_an_empty_object(target: Target, bucket: str) -> None:
    assert write_stream(target, bucket, "made/empty", []) == 0
    assert s3.head_object(target, bucket, "made/empty").size == 0


def test_a_large_object_goes_in_parts_and_says_how_far_it_is(target: Target, bucket: str) -> None:
    told: list[int] = []
    data = [bytes([number]) * MIB for number in range(12)]
    assert write_stream(target, bucket, "made/b", data, part_bytes=5 * MIB, progress=told.append) == 12 * MIB
    assert told == [5 * MIB, 10 * MIB, 12 * MIB]
    assert s3.get_range(target, bucket, "made/b") == b"".join(data)


def test_what_breaks_off_leaves_neither_an_object_nor_parts(target: Target, bucket: str) -> None:
    def broken() -> Iterator[bytes]:
        yield from (b"x" * MIB for _ in range(11))
        raise ValueError("row 12")

    with pytest.raises(ValueError, match="row 12"):
        write_stream(target, bucket, "made/c", broken(), part_bytes=5 * MIB)
    assert s3.list_objects(target, bucket, "made/c").objects == []
    assert "Uploads" not in client(target, "s3").list_multipart_uploads(Bucket=bucket, Prefix="made/c")


def test_a_missing_bucket_is_told(target: Target) -> None:
    with pytest.raises(AwsError) as caught:
        write_stream(target, "no-such-bucket-here", "a", [b"x"])
    assert caught.value.code == "NoSuchBucket"


@pytest.fixture
def ranges(target: Target, bucket: str) -> list[bytes]:
    """What lies in the object ``made/ranges``, more ranges than are read ahead and a part of one."""
    ranges = [bytes([number]) * RANGE_BYTES for number in range(RANGES_AHEAD + 3)] + [b"end"]
    write_stream(target, bucket, "made/ranges", ranges)
    return ranges


def test_ranges_read_ahead_come_in_order_and_are_the_whole(target: Target, bucket: str, ranges: list[bytes]) -> None:
    size = sum(map(len, ranges))
    assert list(read_ahead(target, bucket, "made/ranges", size=size)) == ranges
    assert list(read_ahead(target, bucket, "made/ranges", size=size, start=size)) == []


def test_reading_ahead_stops_with_its_reader(target: Target, bucket: str, ranges: list[bytes]) -> None:
    asked: list[str] = []
    events = client(target, "s3").meta.events
    events.register("before-call.s3.GetObject", lambda params, **_: asked.append(params["headers"]["Range"]), "asked")
    reading = read_ahead(target, bucket, "made/ranges", size=sum(map(len, ranges)))
    assert next(reading) == ranges[0]
    reading.close()
    events.unregister("before-call.s3.GetObject", unique_id="asked")
    assert len(asked) <= RANGES_AHEAD + 1 < len(ranges)


def test_an_object_that_changes_while_it_is_read_ahead_is_told(
    target: Target, bucket: str, ranges: list[bytes]
) -> None:
    reading = read_ahead(target, bucket, "made/ranges", size=sum(map(len, ranges)), etag="of-another-version")
    with pytest.raises(AwsError) as caught:
        next(reading)
    assert caught.value.code == "PreconditionFailed"
