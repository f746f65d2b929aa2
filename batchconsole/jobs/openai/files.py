"""Files of programs: an S3 object each, in the connection's folder, and a row with its name and purpose."""

import re
import secrets
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Q, QuerySet

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3 import S3Object
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import ObjectWriter
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Event, OpenAIBatch, OpenAIFile, Right, Verb
from batchconsole.jobs.openai.errors import Missing
from batchconsole.jobs.openai.places import folder_of
from batchconsole.jobs.rights.access import require, require_on_job, require_places
from batchconsole.jobs.s3.open_uploads import expect_object
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.limits import DEFAULTS

MOST_BYTES = DEFAULTS.bytes_per_file
NAME_LENGTH = 255
FILE_ID = re.compile(r"file-[0-9a-f]{24}")
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
OBJECT_GONE = frozenset({"NotFound", "NoSuchKey"})


class TooLarge(UserError):
    """The file has more bytes than a job may read."""

    def __init__(self) -> None:
        super().__init__(f"The file has more than {MOST_BYTES:,} bytes.", "file", "Split it into several batches.")


class Upload:
    """A file that is arriving: its bytes go on to S3 in parts, so that neither memory nor disk holds all of it."""

    def __init__(self, connection: Connection, actor: Actor, filename: str) -> None:
        """Raises NotAllowed, UserError and AwsError."""
        self.connection, self.actor = connection, actor
        self.filename = filename.replace("\0", "")[:NAME_LENGTH]
        self.file_id = new_file_id()
        name = UNSAFE.sub("_", filename)[-100:] or "file"
        self.s3_uri = f"{folder_of(connection)}files/{self.file_id}/{name}"
        require(actor, Right.SUBMIT, connection)
        require_places(connection, upload=self.s3_uri)
        bucket, key = parse_s3_uri(self.s3_uri)
        self._expected = expect_object(connection, bucket, key)
        self._writer = ObjectWriter(connection.target, bucket, key)

    def write(self, data: bytes) -> None:
        """Take the next bytes. Raises :class:`TooLarge` and AwsError."""
        if self._writer.size + len(data) > MOST_BYTES:
            raise TooLarge
        self._writer.write(data)

    def abort(self) -> None:
        """Drop the file; what S3 may have of it by now is deleted later."""
        self._writer.abort()

    def finish(self) -> OpenAIFile:
        """Keep the file. Raises UserError for an empty one, and AwsError."""
        if not self._writer.size:
            raise UserError("The file is empty.", "file", "Send a file with a request on each line.")
        self._writer.finish()
        item = s3.head_object(self.connection.target, *parse_s3_uri(self.s3_uri))
        with transaction.atomic():
            self._expected.delete()
            return self._keep(item)

    def _keep(self, item: S3Object) -> OpenAIFile:
        """Write the row of the file and the event; call it inside a transaction."""
        made: OpenAIFile = OpenAIFile.objects.create(
            connection=self.connection,
            created_by=self.actor,
            file_id=self.file_id,
            filename=self.filename,
            bytes=item.size,
            s3_uri=self.s3_uri,
            etag=item.etag,
        )
        data = {"s3_uri": self.s3_uri, "bytes": item.size}
        Event.objects.create(connection=self.connection, actor=self.actor, verb=Verb.OBJECT_UPLOADED, data=data)
        return made


def new_file_id() -> str:
    return f"file-{secrets.token_hex(12)}"


def find_file(connection: Connection, actor: Actor, file_id: str) -> OpenAIFile:
    """Return one file. Raises :class:`Missing` and NotAllowed."""
    require(actor, Right.VIEW, connection)
    found = _files(connection).filter(file_id=file_id).first() if FILE_ID.fullmatch(file_id) else None
    if found is None:
        raise Missing(f"No such File object: {file_id[:80]}", "id")
    return found


def _files(connection: Connection) -> QuerySet[OpenAIFile]:
    return OpenAIFile.objects.filter(connection=connection).select_related("connection")


def list_files(
    connection: Connection, actor: Actor, *, purpose: str = "", after: str = "", limit: int, oldest_first: bool = False
) -> list[OpenAIFile]:
    """Return up to *limit* files after the file *after*. Raises :class:`Missing` and NotAllowed."""
    require(actor, Right.VIEW, connection)
    purposes = OpenAIFile.Purpose.values
    found = _files(connection).filter(purpose__in=[each for each in purposes if purpose in ("", each)])
    if after:
        pk = find_file(connection, actor, after).pk
        found = found.filter(Q(pk__gt=pk) if oldest_first else Q(pk__lt=pk))
    return list(found.order_by("pk" if oldest_first else "-pk")[:limit])


def read_file(connection: Connection, actor: Actor, file_id: str) -> Iterator[bytes]:
    """Return the bytes of a file in chunks, recorded as an event. Raises :class:`Missing`, NotAllowed and AwsError."""
    file = find_file(connection, actor, file_id)
    storage = Storage(connection, actor)
    bucket, key = parse_s3_uri(file.s3_uri)
    storage.head(bucket, key)
    Event.objects.create(connection=connection, actor=actor, verb=Verb.DOWNLOADED, target=file.s3_uri[-255:])
    return storage.chunks(bucket, key, etag=file.etag)


def delete_file(connection: Connection, actor: Actor, file_id: str) -> OpenAIFile:
    """Delete a file and its object; an object that is gone already is no error.

    Raises :class:`Missing`, NotAllowed, AwsError, and UserError while a batch still reads the file.
    """
    file = find_file(connection, actor, file_id)
    require_on_job(actor, file)
    if OpenAIBatch.objects.filter(connection=connection, input_file_id=file_id, ended_at=None).exists():
        raise UserError("A batch that has not ended reads this file.", "id", "Wait for it, or cancel it.")
    bucket, key = parse_s3_uri(file.s3_uri)
    try:
        Storage(connection, actor).delete(bucket, key)
    except AwsError as error:
        if error.code not in OBJECT_GONE:
            raise
    data = {"file": file.file_id, "s3_uri": file.s3_uri}
    with transaction.atomic():
        file.delete()
        Event.objects.create(connection=connection, actor=actor, verb=Verb.FILE_DELETED, data=data)
    return file
