"""S3 as one user may use it on one connection: read what is there, and write to it, recorded as events.

Reading needs the right ``read`` and a location that the connection allows for reading; writing needs the right
``submit`` and a location that it allows for uploads. Otherwise NotAllowed is raised. What S3 refuses raises AwsError.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from django.utils.http import content_disposition_header

from batchconsole.aws import s3, s3_multipart
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3 import Bucket, Listing, ObjectVersion, S3Object
from batchconsole.aws.s3_addresses import SCHEME
from batchconsole.aws.s3_multipart import MAX_PARTS
from batchconsole.aws.session import Target
from batchconsole.aws.upload_watch import NO_UPLOAD
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, BatchJob, Connection, Event, Right, Verb
from batchconsole.jobs.rights.access import lies_in, require, require_places
from batchconsole.jobs.s3.refusals import EmptyFile, ObjectExists, ObjectInUse
from batchconsole.jobs.states import LIVE, WAITING

__all__ = [
    "MAX_PARTS",
    "NO_UPLOAD",
    "Bucket",
    "Listing",
    "ObjectVersion",
    "S3Object",
    "Storage",
    "Upload",
    "attachment",
]

MOST_USERS = 5
LINK_SECONDS = 60  # for the browser to follow the redirect; a download that has begun goes on
LARGEST_RENAMED = 2**30  # the most bytes that S3 copies while a person waits for the page
PART_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Upload:
    """A multipart upload: its id, the size of each part but the last, and the numbers of the parts that S3 has."""

    upload_id: str
    part_bytes: int
    done: list[int]


@dataclass(frozen=True)
class Storage:
    """The S3 of *connection* as *actor* may use it; an actor of ``None`` is the system itself."""

    connection: Connection
    actor: Actor

    # Reading

    def buckets(self) -> list[Bucket]:
        """Return the account's buckets in which the connection allows reading, by name."""
        require(self.actor, Right.READ, self.connection)
        return [bucket for bucket in s3.list_buckets(self._target) if self._leads_on(_uri(bucket.name))]

    def bucket_region(self, bucket: str) -> str:
        """Return the region of a bucket; empty if S3 does not say."""
        require(self.actor, Right.READ, self.connection)
        return s3.bucket_region(self._target, bucket)

    def listing(
        self,
        bucket: str,
        prefix: str = "",
        *,
        continuation_token: str = "",
        max_keys: int = 1000,
        delimiter: str = "/",
        owner: str = "",
    ) -> Listing:
        """Return one page under *prefix*, as :func:`batchconsole.aws.s3.list_objects` does.

        Above the locations where reading is allowed, only the folders that lead there are listed.
        """
        folder = prefix.rpartition("/")[0]
        place = _uri(bucket, f"{folder}/" if folder else "")
        require(self.actor, Right.READ, self.connection)
        if not self._leads_on(place):
            require_places(self.connection, read=place)
        found = s3.list_objects(
            self._target,
            bucket,
            prefix,
            continuation_token=continuation_token,
            max_keys=max_keys,
            delimiter=delimiter,
            owner=owner,
        )
        return replace(
            found,
            folders=[each for each in found.folders if self._leads_on(_uri(bucket, each))],
            objects=[each for each in found.objects if self._may_read(_uri(bucket, each.key))],
        )

    def _may_read(self, uri: str) -> bool:
        allowed = self.connection.prefixes("read")
        return not allowed or lies_in(uri, allowed)

    def _leads_on(self, uri: str) -> bool:
        """Whether *uri* or a location below it may be read."""
        return self._may_read(uri) or any(f"{prefix}/".startswith(uri) for prefix in self.connection.prefixes("read"))

    def head(self, bucket: str, key: str, *, version_id: str = "") -> S3Object:
        """Return the size, time and ETag of one object."""
        self._require_read(bucket, key)
        return s3.head_object(self._target, bucket, key, version_id=version_id)

    def versions(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Return the versions of one object, newest first."""
        self._require_read(bucket, key)
        return s3.list_object_versions(self._target, bucket, key)

    def read_range(
        self, bucket: str, key: str, *, start: int = 0, end: int, etag: str = "", version_id: str = ""
    ) -> bytes:
        """Return the bytes from *start* up to but not including *end*; with *etag*, only if the object has it."""
        self._require_read(bucket, key)
        return s3.get_range(self._target, bucket, key, start=start, end=end, etag=etag, version_id=version_id)

    def chunks(self, bucket: str, key: str, *, etag: str = "", version_id: str = "") -> Iterator[bytes]:
        """Return the bytes of an object in chunks; with *etag*, only while the object has it."""
        self._require_read(bucket, key)
        return s3.iter_object(self._target, bucket, key, etag=etag, version_id=version_id)

    def record_download(self, bucket: str, key: str, *, version_id: str = "") -> None:
        """Record that the actor downloads the object, in what way soever."""
        version = {"version": version_id} if version_id else {}
        self._record(Verb.DOWNLOADED, bucket, key, **version)

    def link(self, bucket: str, key: str, *, version_id: str = "") -> str:
        """Return a presigned URL of the object, valid for LINK_SECONDS and for whoever has it: recorded as a download.

        Raises UserError if the connection does not allow such URLs.
        """
        self._require_read(bucket, key)
        if not self.connection.presigns_downloads:
            raise UserError("This connection does not allow presigned URLs.")
        disposition = attachment(key)
        url = s3.presigned_url(
            self._target, bucket, key, disposition=disposition, seconds=LINK_SECONDS, version_id=version_id
        )
        self.record_download(bucket, key, version_id=version_id)
        return url

    # Writing

    def upload(self, bucket: str, key: str, file: BinaryIO, *, size: int, may_replace: bool) -> None:
        """Write *file* of *size* bytes as one object. Raises EmptyFile and ObjectExists."""
        replaces = self._require_upload(bucket, key, size=size, may_replace=may_replace)
        s3.upload_fileobj(self._target, bucket, key, file)
        self._record_upload(bucket, key, size=size, replaces=replaces)

    def begin_upload(self, bucket: str, key: str, *, size: int, may_replace: bool, upload_id: str = "") -> Upload:
        """Begin a multipart upload of *size* bytes, or resume *upload_id* if S3 still knows it.

        Raises EmptyFile and ObjectExists; a resumed upload may replace, because that was decided when it began.
        """
        self._require_upload(bucket, key, size=size, may_replace=may_replace or bool(upload_id))
        done = self._parts_done(bucket, key, upload_id) if upload_id else None
        if done is None:
            upload_id, done = s3_multipart.create_multipart_upload(self._target, bucket, key), []
        return Upload(upload_id, part_bytes(size), done)

    def _parts_done(self, bucket: str, key: str, upload_id: str) -> list[int] | None:
        """Return the parts that an earlier attempt uploaded, or ``None`` if S3 no longer knows the upload."""
        try:
            parts = s3_multipart.list_parts(self._target, bucket, key, upload_id=upload_id)
        except AwsError as error:
            if error.code != NO_UPLOAD:
                raise
            return None
        return [part.number for part in parts]

    def upload_part(self, bucket: str, key: str, *, upload_id: str, number: int, body: bytes) -> None:
        """Write one part; a part with the same number is replaced."""
        self._require_write(bucket, key)
        s3_multipart.upload_part(self._target, bucket, key, upload_id=upload_id, number=number, body=body)

    def finish_upload(self, bucket: str, key: str, *, upload_id: str) -> None:
        """Assemble the object from the parts that S3 has."""
        replaces = self.require_replacing(bucket, key)
        s3_multipart.complete_multipart_upload(self._target, bucket, key, upload_id=upload_id)
        self._record_upload(bucket, key, size=self._size(bucket, key), replaces=replaces)

    def _size(self, bucket: str, key: str) -> int | None:
        """Return the size of a new object; ``None`` if S3 does not say, because the object is written all the same."""
        try:
            return s3.head_object(self._target, bucket, key).size
        except AwsError:
            return None

    def abort_upload(self, bucket: str, key: str, *, upload_id: str) -> None:
        """Delete the parts of an upload; it is no error if they are already gone."""
        self._require_write(bucket, key)
        try:
            s3_multipart.abort_multipart_upload(self._target, bucket, key, upload_id=upload_id)
        except AwsError as error:
            if error.code != NO_UPLOAD:
                raise

    def require_replacing(self, bucket: str, key: str) -> bool:
        """Check that a write would replace no object that a job still reads, and return whether it replaces any.

        Without the permission to see the object, it counts as new, but the check is the same. Raises NotAllowed,
        ObjectInUse and AwsError.
        """
        self._require_write(bucket, key)
        try:
            exists = self._existing(bucket, key) is not None
        except AwsError as error:
            if error.code != "AccessDenied":
                raise
            self._require_unused(bucket, key)
            return False
        if exists:
            self._require_unused(bucket, key)
        return exists

    def create_folder(self, bucket: str, folder: str) -> None:
        """Create an empty folder: in S3, an object of no bytes whose key ends in a slash."""
        self._require_write(bucket, folder)
        s3.put_object(self._target, bucket, folder, b"")
        self._record(Verb.FOLDER_CREATED, bucket, folder)

    def delete(self, bucket: str, key: str) -> None:
        """Delete one existing object. Raises AwsError, and UserError while a job needs the object."""
        self._require_change(bucket, key)
        s3.head_object(self._target, bucket, key)
        self._record(Verb.OBJECT_DELETION_REQUESTED, bucket, key)
        s3.delete_object(self._target, bucket, key)
        self._record(Verb.OBJECT_DELETED, bucket, key)

    def find_version(self, bucket: str, key: str, version_id: str) -> ObjectVersion:
        """Return one version of an object, or its delete marker. Raises AwsError, and UserError without such one."""
        found = next((each for each in self.versions(bucket, key) if each.version_id == version_id), None)
        if found is None:
            raise UserError(f"{_uri(bucket, key)} has no version {version_id}.", hint="It may be deleted already.")
        return found

    def delete_version(self, bucket: str, key: str, version_id: str) -> None:
        """Delete one version for good. Raises AwsError, and UserError for the current one while a job needs it."""
        self._require_write(bucket, key)
        if self.find_version(bucket, key, version_id).is_latest:
            self._require_change(bucket, key)
        self._record(Verb.OBJECT_DELETION_REQUESTED, bucket, key, version=version_id)
        s3.delete_object(self._target, bucket, key, version_id=version_id)
        self._record(Verb.OBJECT_DELETED, bucket, key, version=version_id)

    def restore_version(self, bucket: str, key: str, version_id: str) -> None:
        """Make an older version the current one by a copy of it; all versions stay.

        Raises AwsError, and UserError while a job needs the object or if it is too large to wait for.
        """
        self._require_change(bucket, key)
        self._require_read(bucket, key)
        item = s3.head_object(self._target, bucket, key, version_id=version_id)
        if item.size > LARGEST_RENAMED:
            source = f"{bucket}/{key}?versionId={version_id}"
            command = f"aws s3api copy-object --bucket {bucket} --key {key} --copy-source {source}"
            raise UserError("Versions of more than 1 GiB can't be restored here.", hint=f"Use the AWS CLI: {command}")
        s3.copy_object(self._target, bucket, item, to_key=key, version_id=version_id)
        self._record(Verb.OBJECT_RESTORED, bucket, key, version=version_id)

    def rename(self, bucket: str, key: str, *, to_key: str) -> None:
        """Copy one object to *to_key*, and delete the original once the copy exists.

        Raises AwsError and ObjectExists, and UserError while a job needs the object or if it is too large to wait for.
        """
        self._require_change(bucket, key)
        self._require_write(bucket, to_key)
        item = s3.head_object(self._target, bucket, key)
        if item.size > LARGEST_RENAMED:
            command = f"aws s3 mv {_uri(bucket, key)} {_uri(bucket, to_key)}"
            raise UserError("Objects of more than 1 GiB can't be renamed here.", "name", f"Use the AWS CLI: {command}")
        existing = self._existing(bucket, to_key)
        if existing:
            raise ObjectExists(to_key.rpartition("/")[2], existing)
        self._record(Verb.OBJECT_RENAMING_REQUESTED, bucket, key, to=_uri(bucket, to_key))
        s3.copy_object(self._target, bucket, item, to_key=to_key)
        s3.delete_object(self._target, bucket, key)
        self._record(Verb.OBJECT_RENAMED, bucket, key, to=_uri(bucket, to_key))

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket in the connection's region. Raises AwsError and NotAllowed."""
        require(self.actor, Right.ADMINISTER, self.connection)
        require_places(self.connection, upload=_uri(bucket))
        s3.create_bucket(self._target, bucket)
        self._record(Verb.BUCKET_CREATED, bucket)

    def users_of(self, bucket: str, key: str) -> list[BatchJob]:
        """Return up to MOST_USERS jobs that have not ended and read the object, by its name or by a folder above it."""
        self._require_read(bucket, key)
        return self._users(bucket, key)

    def _users(self, bucket: str, key: str) -> list[BatchJob]:
        places = [_uri(bucket, key), *(_uri(bucket, key[:end]) for end in _folder_ends(key))]
        uris = {spelled for place in places for spelled in (place, place.removesuffix("/"))}
        jobs = BatchJob.objects.filter(connection=self.connection, input_s3_uri__in=uris, status__in=WAITING | LIVE)
        return list(jobs[:MOST_USERS])

    @property
    def _target(self) -> Target:
        return self.connection.target

    def _require_read(self, bucket: str, key: str) -> None:
        require(self.actor, Right.READ, self.connection)
        if not self._may_read(_uri(bucket, key)):
            require_places(self.connection, read=_uri(bucket, key))

    def _require_write(self, bucket: str, key: str) -> None:
        require(self.actor, Right.SUBMIT, self.connection)
        require_places(self.connection, upload=_uri(bucket, key))

    def _require_change(self, bucket: str, key: str) -> None:
        """Raise an error unless the object may be removed and no job that has not ended needs it."""
        self._require_read(bucket, key)
        self._require_write(bucket, key)
        self._require_unused(bucket, key)

    def _require_unused(self, bucket: str, key: str) -> None:
        users = self._users(bucket, key)
        if users:
            names = ", ".join(job.job_name for job in users)
            raise ObjectInUse(names)

    def _require_upload(self, bucket: str, key: str, *, size: int, may_replace: bool) -> bool:
        """Check that a file may be uploaded, and return whether it will replace an object."""
        self._require_write(bucket, key)
        name = key.rpartition("/")[2]
        if not size:
            raise EmptyFile(name)
        if may_replace:
            return self.require_replacing(bucket, key)
        try:
            existing = self._existing(bucket, key)
        except AwsError as error:
            if error.code != "AccessDenied":
                raise
            return False  # an identity may be allowed to write and not to look
        if existing:
            raise ObjectExists(name, existing)
        return False

    def _existing(self, bucket: str, key: str) -> S3Object | None:
        """Return the object; ``None`` if S3 says that there is none. Raises AwsError if S3 does not say."""
        try:
            return s3.head_object(self._target, bucket, key)
        except AwsError as error:
            if error.code != "NotFound":
                raise
            return None

    def _record_upload(self, bucket: str, key: str, *, size: int | None, replaces: bool) -> None:
        verb = Verb.OBJECT_OVERWRITTEN if replaces else Verb.OBJECT_UPLOADED
        self._record(verb, bucket, key, **{} if size is None else {"bytes": size})

    def _record(self, verb: Verb, bucket: str, key: str = "", **data: int | str) -> None:
        data_of_place = {"s3_uri": _uri(bucket, key), **data}
        Event.objects.create(connection=self.connection, actor=self.actor, verb=verb, data=data_of_place)


def attachment(key: str) -> str:
    """Return the Content-Disposition for the object *key*: a file of its name without what cannot be seen in a name."""
    name = "".join(letter if letter.isprintable() else "_" for letter in key.rpartition("/")[2])
    return content_disposition_header(True, name) or "attachment"


def part_bytes(size: int) -> int:
    """Return the part size for a file of *size* bytes: 8 MiB, or more to stay within S3's limit of parts."""
    return max(PART_BYTES, -(-size // (MAX_PARTS - 1)))


def _folder_ends(key: str) -> Iterator[int]:
    """Yield, for each folder that contains *key*, the length of its name in the key; the bucket itself is 0."""
    yield 0
    yield from (end for end, letter in enumerate(key, 1) if letter == "/" and end < len(key))


def _uri(bucket: str, key: str = "") -> str:
    return f"{SCHEME}{bucket}/{key}"
