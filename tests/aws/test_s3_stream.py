"""Objects written while they are made: small at once, large in parts, and never half."""

from collections.abc import Iterator

import pytest

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_stream import write_stream
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
