"""S3 through the domain: who may read and write where, and the event each write leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import client
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import Connection, Event, Grant, Role
from batchconsole.jobs.s3.refusals import EmptyFile, ObjectExists
from batchconsole.jobs.s3.storage import Storage
from tests.factories import make_job


@pytest.fixture
def bucket(connection: Connection) -> str:
    name = f"storage-{uuid4().hex[:12]}"
    s3.create_bucket(connection.target, name)
    for key in ("team/in/a.jsonl", "team/b.jsonl", "other/c.jsonl"):
        s3.put_object(connection.target, name, key, b"{}")
    return name


def as_role(role: str, connection: Connection) -> Storage:
    person = User.objects.create_user("ada")
    Grant.objects.create(user=person, role=Role.objects.get(name=role))
    return Storage(connection, person)


@pytest.fixture
def storage(connection: Connection) -> Storage:
    return as_role("Submitter", connection)


def last_event() -> tuple[str, str, dict[str, object]]:
    event = Event.objects.latest("pk")
    return event.verb, str(event.actor), event.data


def test_a_presigned_url_is_made_only_where_the_connection_allows_it(storage: Storage, bucket: str) -> None:
    with pytest.raises(UserError, match="does not allow presigned URLs"):
        storage.link(bucket, "team/b.jsonl")
    assert not Event.objects.exists()


def upload(storage: Storage, bucket: str, key: str, *, may_replace: bool = False) -> None:
    storage.upload(bucket, key, BytesIO(b"{}\n"), size=3, may_replace=may_replace)


@contextmanager
def failing(storage: Storage, operation: str, key: str, code: str = "SlowDown", status: int = 503) -> Iterator[None]:
    """S3 answers *operation* on *key* with an error."""
    events, name = client(storage.connection.target, "s3").meta.events, f"before-call.s3.{operation}"
    answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def fail(params: dict[str, str], **_: object) -> tuple[SimpleNamespace, dict[str, object]] | None:
        return (SimpleNamespace(status_code=status), answer) if params["url"].endswith(key) else None

    events.register(name, fail)
    try:
        yield
    finally:
        events.unregister(name, fail)


def test_an_upload_leaves_an_event(storage: Storage, bucket: str) -> None:
    upload(storage, bucket, "new.jsonl")
    assert last_event() == ("object_uploaded", "ada", {"s3_uri": f"s3://{bucket}/new.jsonl", "bytes": 3})


def test_overwriting_an_object_leaves_an_event_of_its_own(storage: Storage, bucket: str) -> None:
    upload(storage, bucket, "team/b.jsonl", may_replace=True)
    assert last_event()[0] == "object_overwritten"


def test_an_object_is_overwritten_only_where_somebody_said_so(storage: Storage, bucket: str) -> None:
    with pytest.raises(ObjectExists) as caught:
        upload(storage, bucket, "team/b.jsonl")
    assert caught.value.item.size == 2
    assert not Event.objects.exists()


def test_no_upload_replaces_anything_while_s3_does_not_say_whether_it_exists(storage: Storage, bucket: str) -> None:
    with failing(storage, "HeadObject", "team/b.jsonl", "SlowDown", 503), pytest.raises(AwsError):
        upload(storage, bucket, "team/b.jsonl")
    assert s3.head_object(storage.connection.target, bucket, "team/b.jsonl").size == 2


def test_whoever_may_write_and_not_look_may_upload(storage: Storage, bucket: str) -> None:
    with failing(storage, "HeadObject", "team/new.jsonl", "403", 403):
        upload(storage, bucket, "team/new.jsonl")
    assert s3.head_object(storage.connection.target, bucket, "team/new.jsonl").size == 3


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("403", 403)])
def test_nothing_is_renamed_over_what_s3_does_not_tell_of(
    storage: Storage, bucket: str, code: str, status: int
) -> None:
    with failing(storage, "HeadObject", "team/b.jsonl", code, status), pytest.raises(AwsError):
        storage.rename(bucket, "other/c.jsonl", to_key="team/b.jsonl")
    assert s3.head_object(storage.connection.target, bucket, "team/b.jsonl").size == 2
    assert s3.head_object(storage.connection.target, bucket, "other/c.jsonl").size == 2


def test_whoever_may_not_look_may_still_replace(storage: Storage, bucket: str) -> None:
    with failing(storage, "HeadObject", "team/b.jsonl", "403", 403):
        upload(storage, bucket, "team/b.jsonl", may_replace=True)
    assert s3.head_object(storage.connection.target, bucket, "team/b.jsonl").size == 3


@pytest.mark.parametrize("read", ["team/b.jsonl", "team/", "team"])
@pytest.mark.parametrize("status", ["Checking", "Queued", "Submitting", "InProgress"])
def test_what_a_job_that_has_not_ended_reads_is_not_replaced(
    storage: Storage, bucket: str, read: str, status: str
) -> None:
    begun = storage.begin_upload(bucket, "team/b.jsonl", size=3, may_replace=True)
    storage.upload_part(bucket, "team/b.jsonl", upload_id=begun.upload_id, number=1, body=b"{}\n")
    make_job(storage.connection, status=status, input_s3_uri=f"s3://{bucket}/{read}")
    for write in (
        lambda: upload(storage, bucket, "team/b.jsonl", may_replace=True),
        lambda: storage.begin_upload(bucket, "team/b.jsonl", size=3, may_replace=True),
        lambda: storage.finish_upload(bucket, "team/b.jsonl", upload_id=begun.upload_id),
    ):
        with pytest.raises(UserError, match="have not ended read this object"):
            write()
    assert s3.head_object(storage.connection.target, bucket, "team/b.jsonl").size == 2


def test_jobs_that_read_an_object_are_found_by_their_status(storage: Storage, bucket: str) -> None:
    """A condition on what the status is not would read every job of the connection."""
    with CaptureQueriesContext(database) as asked:
        assert storage.users_of(bucket, "team/b.jsonl") == []
    assert not [each["sql"] for each in asked if "NOT " in each["sql"] and "jobs_batchjob" in each["sql"]]


def test_what_an_ended_job_has_read_is_replaced(storage: Storage, bucket: str) -> None:
    make_job(storage.connection, status="Completed", input_s3_uri=f"s3://{bucket}/team/")
    upload(storage, bucket, "team/b.jsonl", may_replace=True)
    assert last_event()[0] == "object_overwritten"


def test_the_trail_names_what_is_removed_before_s3_is_asked(storage: Storage, bucket: str) -> None:
    with failing(storage, "DeleteObject", "team/b.jsonl"):
        with pytest.raises(AwsError):
            storage.delete(bucket, "team/b.jsonl")
        assert last_event() == ("object_deletion_requested", "ada", {"s3_uri": f"s3://{bucket}/team/b.jsonl"})
        with pytest.raises(AwsError):
            storage.rename(bucket, "team/b.jsonl", to_key="team/d.jsonl")
    data = {"s3_uri": f"s3://{bucket}/team/b.jsonl", "to": f"s3://{bucket}/team/d.jsonl"}
    assert last_event() == ("object_renaming_requested", "ada", data)


def test_an_empty_file_is_refused(storage: Storage, bucket: str) -> None:
    with pytest.raises(EmptyFile):
        storage.upload(bucket, "x.jsonl", BytesIO(b""), size=0, may_replace=True)


def test_an_upload_in_parts_leaves_its_event_when_it_is_whole(storage: Storage, bucket: str) -> None:
    begun = storage.begin_upload(bucket, "big.jsonl", size=3, may_replace=False)
    storage.upload_part(bucket, "big.jsonl", upload_id=begun.upload_id, number=1, body=b"{}\n")
    assert not Event.objects.exists()
    storage.finish_upload(bucket, "big.jsonl", upload_id=begun.upload_id)
    assert last_event() == ("object_uploaded", "ada", {"s3_uri": f"s3://{bucket}/big.jsonl", "bytes": 3})


def test_a_folder_made_leaves_an_event(storage: Storage, bucket: str) -> None:
    storage.create_folder(bucket, "team/new/")
    assert last_event() == ("folder_created", "ada", {"s3_uri": f"s3://{bucket}/team/new/"})


def test_a_reader_writes_nothing(connection: Connection, bucket: str) -> None:
    storage = as_role("Reader", connection)
    for write in (
        lambda: upload(storage, bucket, "x.jsonl"),
        lambda: storage.create_folder(bucket, "x/"),
        lambda: storage.begin_upload(bucket, "x.jsonl", size=1, may_replace=True),
        lambda: storage.upload_part(bucket, "x.jsonl", upload_id="u", number=1, body=b"x"),
        lambda: storage.finish_upload(bucket, "x.jsonl", upload_id="u"),
        lambda: storage.abort_upload(bucket, "x.jsonl", upload_id="u"),
    ):
        with pytest.raises(NotAllowed, match="submit"):
            write()


def test_a_viewer_reads_nothing(connection: Connection, bucket: str) -> None:
    storage = as_role("Viewer", connection)
    for read in (
        lambda: storage.buckets(),
        lambda: storage.bucket_region(bucket),
        lambda: storage.listing(bucket),
        lambda: storage.head(bucket, "team/b.jsonl"),
        lambda: storage.versions(bucket, "team/b.jsonl"),
        lambda: storage.read_range(bucket, "team/b.jsonl", end=1),
        lambda: storage.chunks(bucket, "team/b.jsonl"),
    ):
        with pytest.raises(NotAllowed, match="read"):
            read()


def test_nothing_is_uploaded_outside_the_places_for_uploads(storage: Storage, bucket: str) -> None:
    storage.connection.upload_prefixes = [f"s3://{bucket}/team/"]
    upload(storage, bucket, "team/x.jsonl")
    with pytest.raises(NotAllowed, match="upload only in"):
        upload(storage, bucket, "other/x.jsonl")


class TestReadingIsLimited:
    """Input, output and uploads lie below ``team/in/``, so reading is limited to it."""

    @pytest.fixture(autouse=True)
    def the_places(self, storage: Storage, bucket: str) -> None:
        self.storage, self.bucket = storage, bucket
        for use in ("input", "output", "upload"):
            setattr(storage.connection, f"{use}_prefixes", [f"s3://{bucket}/team/in"])

    def test_buckets_without_such_a_place_are_left_out(self) -> None:
        assert [each.name for each in self.storage.buckets()] == [self.bucket]

    @pytest.mark.parametrize(
        ("folder", "folders", "keys"),
        [("", ["team/"], []), ("team/", ["team/in/"], []), ("team/in/", [], ["team/in/a.jsonl"])],
    )
    def test_a_listing_shows_what_leads_there_and_what_is_there(
        self, folder: str, folders: list[str], keys: list[str]
    ) -> None:
        found = self.storage.listing(self.bucket, folder)
        assert (found.folders, [each.key for each in found.objects]) == (folders, keys)

    def test_a_folder_beside_is_not_listed(self) -> None:
        with pytest.raises(NotAllowed, match="read only in"):
            self.storage.listing(self.bucket, "other/")

    def test_an_object_beside_is_not_read(self) -> None:
        with pytest.raises(NotAllowed, match="read only in"):
            self.storage.read_range(self.bucket, "team/b.jsonl", end=1)
