"""Listing, streaming and writing objects, against MiniStack."""

import io

import pytest

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.session import Target
from tests.aws.conftest import refused


def put(target: Target, bucket: str, *keys: str) -> None:
    for key in keys:
        s3.put_object(target, bucket, key, key.encode())


def test_it_works(target: Target, bucket: str) -> None:
    put(target, bucket, "in/a.jsonl", "in/deep/b.jsonl", "in/c.jsonl")
    listing = s3.list_objects(target, bucket, "in/")
    assert listing.folders == ["in/deep/"]
    assert [item.key for item in listing.objects] == ["in/a.jsonl", "in/c.jsonl"]
    assert not listing.next_token


def test_buckets_are_listed(target: Target, bucket: str) -> None:
    assert bucket in [item.name for item in s3.list_buckets(target)]


def test_making_a_bucket_twice_is_fine(target: Target, bucket: str) -> None:
    s3.create_bucket(target, bucket)


def test_pages_follow_each_other(target: Target, bucket: str) -> None:
    put(target, bucket, "a", "b", "c")
    first = s3.list_objects(target, bucket, max_keys=2)
    second = s3.list_objects(target, bucket, max_keys=2, continuation_token=first.next_token)
    assert [item.key for item in first.objects + second.objects] == ["a", "b", "c"]


def test_all_depths_are_walked(target: Target, bucket: str) -> None:
    put(target, bucket, "in/a", "in/b/c", "out/d")
    assert [item.key for item in s3.iter_objects(target, bucket, "in/")] == ["in/a", "in/b/c"]


def test_odd_keys_come_back_as_they_are(target: Target, bucket: str) -> None:
    put(target, bucket, "a b+c%20d/é.jsonl")
    assert [item.key for item in s3.iter_objects(target, bucket)] == ["a b+c%20d/é.jsonl"]


def test_an_object_is_described(target: Target, bucket: str) -> None:
    etag = s3.put_object(target, bucket, "a", b"12345")
    found = s3.head_object(target, bucket, "a")
    assert (found.key, found.size, found.etag) == ("a", 5, etag)
    assert found.last_modified.tzinfo is not None


def test_an_object_streams_in_chunks(target: Target, bucket: str) -> None:
    s3.put_object(target, bucket, "a", b"0123456789")
    assert list(s3.iter_object(target, bucket, "a", chunk_size=4)) == [b"0123", b"4567", b"89"]


def test_a_range_ends_before_its_end(target: Target, bucket: str) -> None:
    s3.put_object(target, bucket, "a", b"0123456789")
    assert s3.get_range(target, bucket, "a", start=2, end=5) == b"234"
    assert s3.get_range(target, bucket, "a", start=7) == b"789"


def test_only_the_version_that_was_asked_for(target: Target, bucket: str) -> None:
    etag = s3.put_object(target, bucket, "a", b"old")
    assert s3.get_range(target, bucket, "a", etag=etag) == b"old"
    s3.put_object(target, bucket, "a", b"new")
    with refused("PreconditionFailed"):
        s3.get_range(target, bucket, "a", etag=etag)


def test_a_file_is_uploaded(target: Target, bucket: str) -> None:
    data = b"x" * 9_000_000
    s3.upload_fileobj(target, bucket, "big", io.BytesIO(data))
    assert s3.head_object(target, bucket, "big").size == len(data)


def test_a_bucket_that_does_not_exist(target: Target) -> None:
    with refused("NoSuchBucket"):
        s3.list_objects(target, "no-such-bucket-here")


def test_uploading_into_a_bucket_that_does_not_exist(target: Target) -> None:
    with refused("NoSuchBucket"):
        s3.upload_fileobj(target, "no-such-bucket-here", "a", io.BytesIO(b"x" * 9_000_000))


def test_an_object_that_does_not_exist(target: Target, bucket: str) -> None:
    with refused("NotFound"):
        s3.head_object(target, bucket, "a")
    with refused("NoSuchKey"):
        s3.get_range(target, bucket, "a")


@pytest.mark.parametrize(
    ("uri", "parts"), [("s3://b/k/x.jsonl", ("b", "k/x.jsonl")), ("s3://b/", ("b", "")), ("s3://b", ("b", ""))]
)
def test_locations_are_parsed(uri: str, parts: tuple[str, str]) -> None:
    assert parse_s3_uri(uri) == parts


@pytest.mark.parametrize("uri", ["", "b/k", "s3://", "s3:///k", "https://b/k"])
def test_other_text_is_no_location(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 location"):
        parse_s3_uri(uri)


@pytest.mark.parametrize("at_once", [5 * 2**20, 2**30])
def test_an_object_is_copied_whole_or_in_parts(target: Target, bucket: str, at_once: int) -> None:
    body = bytes(range(256)) * 2**12 * 6
    s3.put_object(target, bucket, "from", body)
    copied: list[int] = []
    item = s3.head_object(target, bucket, "from")
    s3.copy_object(target, bucket, item, to_key="to", at_once=at_once, progress=copied.append)
    assert s3.get_range(target, bucket, "to") == body
    assert sum(copied) == len(body)
