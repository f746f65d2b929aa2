"""Copies of media inside S3: only what is missing and has not changed, and only while somebody wants them."""

from uuid import uuid4

import pytest

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.inputs import media_copies
from batchconsole.jobs.inputs.media_copies import common_folder, copied_uri, copy_media, find_objects
from batchconsole.jobs.leases import LeaseLost
from batchconsole.jobs.models import Connection


@pytest.fixture
def bucket(connection: Connection) -> str:
    name = f"media-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    for key in ("a/1.png", "b/1.png", "b/2.png"):
        s3.put_object(connection.target, name, key, key.encode())
    return name


def ignore(*_: int) -> None:
    """Nobody follows."""


def keys_in(connection: Connection, bucket: str, prefix: str) -> list[str]:
    return [item.key for item in s3.iter_objects(connection.target, bucket, prefix)]


@pytest.mark.parametrize("least", [media_copies.LISTED_AT_LEAST, -100])
def test_objects_are_found_by_listing_or_one_by_one(
    least: int, connection: Connection, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_copies, "LISTED_FOR_ONE", 0)
    monkeypatch.setattr(media_copies, "LISTED_AT_LEAST", max(0, least))
    uris = [f"s3://{bucket}/{key}" for key in ("a/1.png", "b/1.png", "b/gone.png")] + ["s3://no-such-bucket-here/x"]
    found = find_objects(connection.target, uris, tell=ignore)
    assert {uri: item.size for uri, item in found.items()} == {uris[0]: 7, uris[1]: 7}


@pytest.mark.parametrize(
    ("keys", "folder"),
    [
        (["in/a/1", "in/a/2"], "in/a/"),
        (["in/ab/1", "in/abc/1"], "in/"),
        (["a", "b/c"], ""),
        (["in/x/1", "in/x/y/1", "in/1"], "in/"),
    ],
)
def test_the_folder_of_keys_is_a_whole_one(keys: list[str], folder: str) -> None:
    assert common_folder(keys) == folder


def test_objects_of_one_name_have_copies_of_their_own(connection: Connection, bucket: str) -> None:
    uris = [f"s3://{bucket}/{key}" for key in ("a/1.png", "b/1.png")]
    found = find_objects(connection.target, uris, tell=ignore)
    told: list[int] = []
    copy_media(connection.target, found, folder=f"s3://{bucket}/to/", tell=told.append)
    for uri, item in found.items():
        key = copied_uri(f"s3://{bucket}/to/", uri, item).removeprefix(f"s3://{bucket}/")
        assert s3.get_range(connection.target, bucket, key).decode() == item.key
    assert told[-1] == 2


def test_an_object_that_has_changed_is_not_copied(connection: Connection, bucket: str) -> None:
    uri = f"s3://{bucket}/a/1.png"
    found = find_objects(connection.target, [uri], tell=ignore)
    s3.put_object(connection.target, bucket, "a/1.png", b"changed")
    with pytest.raises(AwsError):
        copy_media(connection.target, found, folder=f"s3://{bucket}/to/", tell=ignore)
    assert not keys_in(connection, bucket, "to/")


def test_work_that_has_ended_copies_no_more(
    connection: Connection, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_copies, "AT_ONCE", 1)
    found = find_objects(connection.target, [f"s3://{bucket}/{key}" for key in ("a/1.png", "b/1.png")], tell=ignore)
    many = {f"s3://{bucket}/{number}": next(iter(found.values())) for number in range(20)}

    def end(done: int) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        copy_media(connection.target, many, folder=f"s3://{bucket}/to/", tell=end)
    assert len(keys_in(connection, bucket, "to/")) < len(many)


def test_a_large_copy_is_given_up_between_its_parts(
    connection: Connection, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 2**10
    monkeypatch.setattr(media_copies, "CALL_BYTES", part)
    s3.put_object(connection.target, bucket, "large.mp4", bytes(4 * part))
    found = find_objects(connection.target, [f"s3://{bucket}/large.mp4"], tell=ignore)

    def end(done: int) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        copy_media(connection.target, found, folder=f"s3://{bucket}/to/", tell=end)
    assert not keys_in(connection, bucket, "to/")
