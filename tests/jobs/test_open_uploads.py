"""Multipart uploads that nobody finishes are aborted, whichever way began them; those that go on are left alone."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from batchconsole.aws import s3, s3_multipart
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import ObjectWriter, write_stream
from batchconsole.aws.session import Target, client
from batchconsole.jobs.models import Connection, Event, OpenUpload, Verb
from batchconsole.jobs.openai.files import Upload
from batchconsole.jobs.s3.open_uploads import KEPT_FOR, abort_upload, expect_object
from batchconsole.jobs.s3.storage import Storage

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 2**20
PART = 5 * MIB  # S3's least
SIZE = 11 * MIB


@pytest.fixture
def bucket(connection: Connection) -> str:
    name = f"uploads-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    return name


def killed_writer(connection: Connection, bucket: str) -> None:
    """Write a part of an object, as a process does that is killed then."""
    ObjectWriter(connection.target, bucket, "a", part_bytes=PART).write(b"x" * PART)


def given_up_in_browser(connection: Connection, bucket: str) -> None:
    Storage(connection, None).begin_upload(bucket, "a", size=SIZE, may_replace=True)


def open_in_s3(connection: Connection, bucket: str) -> list[Any]:
    return list(client(connection.target, "s3").list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.mark.parametrize("begin", [killed_writer, given_up_in_browser])
def test_an_upload_that_nobody_goes_on_with_is_aborted(
    connection: Connection, bucket: str, begin: Callable[[Connection, str], None]
) -> None:
    begin(connection, bucket)
    assert len(open_in_s3(connection, bucket)) == 1
    OpenUpload.objects.update(due_at=timezone.now())
    abort_upload(OpenUpload.objects.get())
    assert not open_in_s3(connection, bucket)
    assert not OpenUpload.objects.exists()


def test_each_part_puts_the_end_off(connection: Connection, bucket: str) -> None:
    writer = ObjectWriter(connection.target, bucket, "a", part_bytes=PART)
    writer.write(b"x" * PART)
    OpenUpload.objects.update(due_at=timezone.now())
    writer.write(b"x" * PART)
    due_at = OpenUpload.objects.get().due_at
    assert due_at
    assert due_at > timezone.now() + KEPT_FOR - timedelta(minutes=5)


def stream(target: Target, bucket: str, told: Callable[[int], None]) -> None:
    write_stream(target, bucket, "a", [b"x" * MIB] * 11, part_bytes=PART, progress=told)


def transfer(target: Target, bucket: str, told: Callable[[int], None]) -> None:
    class Told(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            told(self.tell())
            return super().read(size)

    s3.upload_fileobj(target, bucket, "a", Told(b"x" * SIZE))


def copy(target: Target, bucket: str, told: Callable[[int], None]) -> None:
    s3.put_object(target, bucket, "from", b"x" * SIZE)
    s3.copy_object(target, bucket, s3.head_object(target, bucket, "from"), to_key="a", at_once=PART, progress=told)


@pytest.mark.parametrize("write", [stream, transfer, copy])
def test_a_row_is_there_exactly_as_long_as_the_upload(
    connection: Connection, bucket: str, write: Callable[[Target, str, Callable[[int], None]], None]
) -> None:
    rows: list[int] = []
    write(connection.target, bucket, lambda _: rows.append(OpenUpload.objects.count()))
    assert max(rows) == 1
    assert not OpenUpload.objects.exists()
    assert s3.head_object(connection.target, bucket, "a").size == SIZE


def test_an_upload_that_s3_no_longer_knows_is_forgotten(connection: Connection, bucket: str) -> None:
    killed_writer(connection, bucket)
    row = OpenUpload.objects.get()
    s3_multipart.abort_multipart_upload(connection.target, bucket, "a", upload_id=row.upload_id)
    assert not OpenUpload.objects.exists()
    row.due_at = timezone.now()
    row.save()
    abort_upload(row)
    assert not OpenUpload.objects.exists()


def test_while_s3_is_away_the_row_stays(nowhere: Connection) -> None:
    row = OpenUpload.objects.create(connection=nowhere, bucket="b", key="k", upload_id="u")
    abort_upload(row)
    row.refresh_from_db()
    assert row.due_at
    assert row.due_at > timezone.now()


def test_an_object_whose_row_was_never_written_is_deleted(connection: Connection, bucket: str) -> None:
    expect_object(connection, bucket, "files/a")
    s3.put_object(connection.target, bucket, "files/a", b"x")
    OpenUpload.objects.update(due_at=timezone.now())
    abort_upload(OpenUpload.objects.get())
    assert not s3.list_objects(connection.target, bucket, "files/").objects
    assert Event.objects.filter(verb=Verb.OBJECT_DELETED).count() == 1
    assert not OpenUpload.objects.exists()


def test_an_object_that_was_never_written_is_forgotten(connection: Connection, bucket: str) -> None:
    abort_upload(expect_object(connection, bucket, "files/a"))
    assert not Event.objects.filter(verb=Verb.OBJECT_DELETED).exists()
    assert not OpenUpload.objects.exists()


def test_a_program_that_is_killed_before_its_file_has_a_row_leaves_no_object(
    connection: Connection, bucket: str, person: User
) -> None:
    Connection.objects.update(openai_folder=f"s3://{bucket}/openai/")
    connection.refresh_from_db()
    killed = Upload(connection, person, "a.jsonl")
    s3.put_object(connection.target, *parse_s3_uri(killed.s3_uri), b"x")
    kept = Upload(connection, person, "b.jsonl")
    kept.write(b"x")
    kept.finish()
    for row in OpenUpload.objects.all():
        abort_upload(row)
    left = s3.list_objects(connection.target, bucket, "openai/", delimiter="").objects
    assert [each.key.rpartition("/")[2] for each in left] == ["b.jsonl"]
