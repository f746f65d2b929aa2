"""Abort the multipart uploads of processes that were killed, and those that a browser has given up.

Each upload has a row from the moment S3 has begun it. Every part moves the row's due time forward; the end of the
upload deletes the row. Once no part has come for ``KEPT_FOR``, the clock hands the row out and the upload is aborted.

An object that means nothing without a row of its own is kept in mind the same way, from before it is written until that
row is: :func:`expect_object`. If the row never comes, the object is deleted.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db import Error
from django.utils import timezone

from batchconsole.aws import s3, s3_multipart, upload_watch
from batchconsole.aws.errors import AwsError
from batchconsole.aws.upload_watch import NO_UPLOAD
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.models import Connection, Event, OpenUpload, Verb

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)  # as long as an upload in a browser may be taken up again
AGAIN = timedelta(minutes=10)
GONE = frozenset({NO_UPLOAD, "NoSuchBucket", "NoSuchKey", "NotFound"})


class Rows:
    """Keeps a row for each open upload. The upload itself does not depend on it: a database error is only logged."""

    def began(self, upload: upload_watch.OpenUpload) -> None:
        values = {"bucket": upload.bucket, "key": upload.key, "upload_id": upload.upload_id}
        try:
            OpenUpload.objects.create(connection_id=upload.owner, due_at=timezone.now() + KEPT_FOR, **values)
        except Error as error:
            logger.warning("The upload of s3://%s/%s is not kept in mind: %s", upload.bucket, upload.key, error)

    def went_on(self, upload: upload_watch.OpenUpload) -> None:
        try:
            _rows_of(upload).update(due_at=timezone.now() + KEPT_FOR)
        except Error as error:
            logger.warning("The upload of s3://%s/%s goes on unnoted: %s", upload.bucket, upload.key, error)

    def ended(self, upload: upload_watch.OpenUpload) -> None:
        try:
            _rows_of(upload).delete()
        except Error as error:  # the row is found when it is due, and its upload no longer
            logger.warning("The upload of s3://%s/%s ended unnoted: %s", upload.bucket, upload.key, error)


def _rows_of(upload: upload_watch.OpenUpload) -> Any:
    return OpenUpload.objects.filter(connection=upload.owner, upload_id=upload.upload_id)


def expect_object(connection: Connection, bucket: str, key: str) -> OpenUpload:
    """Keep in mind that an object of a name that nothing else uses is about to be written.

    Delete the returned row in the transaction that writes the object's own row.
    """
    made: OpenUpload = OpenUpload.objects.create(
        connection=connection, bucket=bucket, key=key, due_at=timezone.now() + KEPT_FOR
    )
    return made


@step(OpenUpload, queue=CONTROL, farthest=KEPT_FOR + timedelta(hours=1))
def abort_upload(upload: OpenUpload, lease: Lease) -> None:
    """Abort *upload*, of which no part has come for long, or delete the object that got no row, and delete its row."""
    try:
        _abort(upload) if upload.upload_id else _delete_object(upload)
    except AwsError as error:
        if error.code not in GONE:
            raise
    OpenUpload.objects.filter(pk=upload.pk).delete()


def _abort(upload: OpenUpload) -> None:
    s3_multipart.abort_multipart_upload(upload.connection.target, upload.bucket, upload.key, upload_id=upload.upload_id)
    logger.info("The upload of %s was given up on its way and is aborted.", upload)


def _delete_object(upload: OpenUpload) -> None:
    s3.head_object(upload.connection.target, upload.bucket, upload.key)
    s3.delete_object(upload.connection.target, upload.bucket, upload.key)
    data = {"s3_uri": str(upload)}
    Event.objects.create(connection=upload.connection, verb=Verb.OBJECT_DELETED, data=data)


@abort_upload.on_failure
def _not_aborted(upload: OpenUpload, lease: Lease, error: Failure) -> None:
    """Try again while S3 is away; if it refuses, only a person or a lifecycle rule of the bucket can abort it."""
    if isinstance(error, AwsError) and error.retryable:
        lease.end(due_at=timezone.now() + AGAIN)
        return
    logger.warning("%s stays in S3, or its parts do (upload %r): %s", upload, upload.upload_id, error)
    OpenUpload.objects.filter(pk=upload.pk).delete()
