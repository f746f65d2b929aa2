"""Merging files whose records refer to media in S3, against the local stack."""

import json
from typing import Any
from uuid import uuid4

import pytest

from batchconsole.aws import s3
from batchconsole.jobs.inputs import making, merging
from batchconsole.jobs.models import Connection, Event, MadeInput, Verb
from tests.jobs.conftest import die, held

State = MadeInput.State


@pytest.fixture
def bucket(connection: Connection) -> str:
    """Two inputs in two folders, each with an image of the same name that differs."""
    name = f"merged-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    for folder in ("a", "b"):
        s3.put_object(connection.target, name, f"{folder}/{folder}.jsonl", record(f"s3://{name}/{folder}/images/1.png"))
        s3.put_object(connection.target, name, f"{folder}/images/1.png", folder.encode())
    return name


def record(uri: str) -> bytes:
    image = {"image": {"format": "png", "source": {"s3Location": {"uri": uri}}}}
    body = {"messages": [{"role": "user", "content": [{"text": "What is it?"}, image]}]}
    return json.dumps({"recordId": uri, "modelInput": body}).encode() + b"\n"


def merged(connection: Connection, bucket: str, to: str = "merged/all.jsonl", **options: Any) -> MadeInput:
    uris = [f"s3://{bucket}/{name}/{name}.jsonl" for name in ("a", "b")]
    made = merging.start_merge(connection, None, uris=uris, output_s3_uri=f"s3://{bucket}/{to}", **options)
    assert not merging.is_small(made)  # a worker looks for the media
    making.make_input(made)
    made.refresh_from_db()
    return made


def images_of(connection: Connection, made: MadeInput) -> list[bytes]:
    """The objects that the merged records refer to, all of which lie in the folder that is the input of the job."""
    bucket, key = made.output_s3_uri.removeprefix("s3://").split("/", 1)
    found = []
    for line in s3.get_range(connection.target, bucket, key).splitlines():
        (_, block) = json.loads(line)["modelInput"]["messages"][0]["content"]
        uri = block["image"]["source"]["s3Location"]["uri"]
        assert uri.startswith(made.form_fields["input_s3_uri"])
        found.append(s3.get_range(connection.target, bucket, uri.removeprefix(f"s3://{bucket}/")))
    return found


def test_images_of_one_name_that_differ_are_both_kept(connection: Connection, bucket: str) -> None:
    made = merged(connection, bucket, copies_media=True)
    assert made.state == State.DONE, made.error
    assert made.form_fields["input_s3_uri"] == f"s3://{bucket}/merged/"
    assert images_of(connection, made) == [b"a", b"b"]
    assert (made.media_objects, made.media_bytes, made.media_done) == (2, 2, 2)
    told = Event.objects.get(verb=Verb.MEDIA_COPIED).data
    assert (told["objects"], told["bytes"]) == (2, 2)


def test_what_would_be_copied_is_told_before(connection: Connection, bucket: str) -> None:
    made = merged(connection, bucket)
    assert made.state == State.FAILED
    assert "refer to 2 objects in S3" in str(made.error)
    assert "Choose to copy media" in str(made.error)
    assert [item.key for item in s3.iter_objects(connection.target, bucket, "merged/")] == []


def test_a_lost_worker_is_followed_by_another(connection: Connection, bucket: str) -> None:
    uris = [f"s3://{bucket}/{name}/{name}.jsonl" for name in ("a", "b")]
    place = f"s3://{bucket}/merged/all.jsonl"
    made = merging.start_merge(connection, None, uris=uris, output_s3_uri=place, copies_media=True)
    die(held(making.make_input, made, state=State.RUNNING))
    making.make_input(made)
    made.refresh_from_db()
    assert images_of(connection, made) == [b"a", b"b"]


def test_media_below_the_merged_file_are_not_copied(connection: Connection, bucket: str) -> None:
    for name in ("a", "b"):
        s3.put_object(connection.target, bucket, f"shared/{name}.png", b"shared")
        s3.put_object(connection.target, bucket, f"{name}/{name}.jsonl", record(f"s3://{bucket}/shared/{name}.png"))
    made = merged(connection, bucket, to="shared/all.jsonl")
    assert (made.state, made.media_objects) == (State.DONE, 0), made.error
    assert images_of(connection, made) == [b"shared", b"shared"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "merged/other.jsonl"}, "holds other records: merged/other.jsonl."),
        ({"gone": "b/images/1.png"}, "which does not exist in S3."),
        (
            {"prefixes": ["s3://BUCKET/a", "s3://BUCKET/merged"]},
            "Line 1 of b/b.jsonl refers to s3://BUCKET/b/images/1.png.",
        ),
    ],
)
def test_what_cannot_be_merged_is_told(change: dict[str, Any], words: str, connection: Connection, bucket: str) -> None:
    if "key" in change:
        s3.put_object(connection.target, bucket, change["key"], b"{}")
    if "gone" in change:
        s3.delete_object(connection.target, bucket, change["gone"])
    connection.input_prefixes = [each.replace("BUCKET", bucket) for each in change.get("prefixes", [])]
    connection.save()
    made = merged(connection, bucket, copies_media=True)
    assert made.state == State.FAILED
    assert words.replace("BUCKET", bucket) in str(made.error)
