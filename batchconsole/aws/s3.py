"""Amazon S3: lists for the pickers, streaming and ranged reads of results, writes of uploads and samples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.s3_addresses import SCHEME
from batchconsole.aws.session import Target, client

MOST_AT_ONCE = 5 * 1024**3  # the size limit of one CopyObject call, in bytes
PART_BYTES = 512 * 1024**2
# Storage classes whose objects must be restored before they can be read, which takes minutes to days.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
ARCHIVES = {"GLACIER": "Glacier Flexible Retrieval", "DEEP_ARCHIVE": "Glacier Deep Archive"}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of the account; ``region`` is empty if S3 does not return it."""

    name: str
    created_at: datetime | None = None
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class S3Object:
    """One object; ``size`` in bytes, ``etag`` without quotes, ``is_restored`` if it is archived but can be read now."""

    key: str
    size: int
    last_modified: datetime
    etag: str = ""
    storage_class: str = ""
    is_restored: bool = False

    @property
    def archive(self) -> str:
        """Return the archive that it has to be restored from before it can be read; empty if it can be read now."""
        return "" if self.is_restored else ARCHIVES.get(self.storage_class, "")


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of an object, or a delete marker if ``is_deleted``; ``size`` in bytes."""

    version_id: str
    last_modified: datetime
    size: int = 0
    is_latest: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page under a prefix. ``folders`` are full prefixes with a final slash; ``next_token`` is empty at the end."""

    folders: list[str] = field(default_factory=list)
    objects: list[S3Object] = field(default_factory=list)
    next_token: str = ""


def list_buckets(target: Target) -> list[Bucket]:
    """Return all buckets of the account in S3's order (by name). Raises :class:`AwsError`."""
    found: list[Bucket] = []
    with translate("ListBuckets", permission="s3:ListAllMyBuckets"):
        for page in client(target, "s3").get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1000}):
            found += [
                Bucket(name=item["Name"], created_at=item.get("CreationDate"), region=item.get("BucketRegion", ""))
                for item in page.get("Buckets", [])
            ]
    return found


def bucket_region(target: Target, bucket: str) -> str:
    """Return the region of a bucket, empty if S3 does not return it. Raises :class:`AwsError` (``NotFound``)."""
    with translate("HeadBucket", permission="s3:ListBucket", subject=f"bucket {bucket}"):
        return str(client(target, "s3").head_bucket(Bucket=bucket).get("BucketRegion", ""))


def list_objects(
    target: Target,
    bucket: str,
    prefix: str = "",
    *,
    continuation_token: str = "",
    max_keys: int = 1000,
    delimiter: str = "/",
    owner: str = "",
) -> Listing:
    """Return one page of the folders and objects under *prefix*; with an empty *delimiter*, all objects at any depth.

    With *owner*, AWS denies access unless the bucket belongs to that account.

    Raises
    ------
    AwsError
        ``NoSuchBucket``, ``AccessDenied`` (also for another owner), or AWS could not be reached.
    """
    request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": max_keys}
    request |= {"OptionalObjectAttributes": ["RestoreStatus"]}
    request |= {"Delimiter": delimiter} if delimiter else {}
    request |= {"ExpectedBucketOwner": owner} if owner else {}
    request |= {"ContinuationToken": continuation_token} if continuation_token else {}
    with translate("ListObjectsV2", permission="s3:ListBucket", subject=f"bucket {bucket}"):
        page = client(target, "s3").list_objects_v2(**request)
    return Listing(
        folders=[item["Prefix"] for item in page.get("CommonPrefixes", [])],
        objects=[_object(item["Key"], item["Size"], item) for item in page.get("Contents", [])],
        next_token=page.get("NextContinuationToken", ""),
    )


def iter_objects(target: Target, bucket: str, prefix: str = "") -> Iterator[S3Object]:
    """Yield every object under *prefix* at all depths in key order, one call per thousand. Raises :class:`AwsError`."""
    token = ""
    while True:
        page = list_objects(target, bucket, prefix, continuation_token=token, delimiter="")
        yield from page.objects
        token = page.next_token
        if not token:
            return


def list_object_versions(target: Target, bucket: str, key: str) -> list[ObjectVersion]:
    """Return the versions of one object, newest first; without versioning, its only version, ``null``.

    They are taken from the first page, of at most a thousand versions of all keys that begin with *key*.
    Raises :class:`AwsError` (``AccessDenied``, ``NoSuchBucket``).
    """
    with translate("ListObjectVersions", permission="s3:ListBucketVersions", subject=f"bucket {bucket}"):
        page = client(target, "s3").list_object_versions(Bucket=bucket, Prefix=key)
    found = [
        ObjectVersion(
            version_id=item["VersionId"],
            last_modified=item["LastModified"],
            size=item.get("Size", 0),
            is_latest=item["IsLatest"],
            is_deleted=name == "DeleteMarkers",
        )
        for name in ("Versions", "DeleteMarkers")
        for item in page.get(name, [])
        if item["Key"] == key
    ]
    return sorted(found, key=lambda version: (version.is_latest, version.last_modified), reverse=True)


def head_object(target: Target, bucket: str, key: str, *, version_id: str = "") -> S3Object:
    """Return the metadata of one object. Raises :class:`AwsError` (``NotFound``, ``AccessDenied``)."""
    with translate("HeadObject", permission="s3:GetObject", subject=f"{SCHEME}{bucket}/{key}"):
        answer = client(target, "s3").head_object(Bucket=bucket, Key=key, **_version(version_id))
    return _object(key, answer["ContentLength"], answer)


def _version(version_id: str) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}


def _object(key: str, size: int, answer: dict[str, Any]) -> S3Object:
    return S3Object(
        key=key,
        size=size,
        last_modified=answer["LastModified"],
        etag=answer.get("ETag", "").strip('"'),
        storage_class=answer.get("StorageClass", ""),
        is_restored=_is_restored(answer),
    )


def _is_restored(answer: dict[str, Any]) -> bool:
    """Whether S3 returned the expiry date of a restored copy: a member in a listing, a header for one object."""
    return "RestoreExpiryDate" in answer.get("RestoreStatus", {}) or "expiry-date" in answer.get("Restore", "")


def iter_object(
    target: Target,
    bucket: str,
    key: str,
    *,
    start: int = 0,
    end: int | None = None,
    chunk_size: int = 1 << 20,
    etag: str = "",
    version_id: str = "",
) -> Iterator[bytes]:
    """Yield the bytes of an object from *start* up to but not including *end*, in chunks of at most *chunk_size* bytes.

    With *etag*, the object must still have that ETag. A read whose connection breaks is not resumed.

    Raises
    ------
    AwsError
        ``NoSuchKey``, ``NoSuchBucket``, ``AccessDenied``, ``InvalidRange``, ``PreconditionFailed`` (the ETag has
        changed), or ``EndpointUnreachable`` if the connection breaks.
    """
    request: dict[str, Any] = {"Bucket": bucket, "Key": key, **_version(version_id)}
    if start or end is not None:
        request["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
    if etag:
        request["IfMatch"] = etag
    with translate("GetObject", permission="s3:GetObject", subject=f"{SCHEME}{bucket}/{key}"):
        body = client(target, "s3").get_object(**request)["Body"]
        try:
            yield from body.iter_chunks(chunk_size)
        finally:
            body.close()


def get_range(
    target: Target,
    bucket: str,
    key: str,
    *,
    start: int = 0,
    end: int | None = None,
    etag: str = "",
    version_id: str = "",
) -> bytes:
    """Return the bytes from *start* up to but not including *end*. Raises the same errors as :func:`iter_object`."""
    at_once = 1 << 20 if end is None else max(end - start, 1)  # few reads: each waits for the other threads again
    chunks = iter_object(
        target, bucket, key, start=start, end=end, chunk_size=at_once, etag=etag, version_id=version_id
    )
    return b"".join(chunks)


def presigned_url(
    target: Target, bucket: str, key: str, *, disposition: str, seconds: int, version_id: str = ""
) -> str:
    """Return a URL from which anybody may download the object until *seconds* from now, without calling S3 for it.

    S3 sends it with *disposition* as Content-Disposition, as bytes of no type that nobody may store. The URL is that of
    the bucket's region, if S3 tells that. Raises :class:`AwsError` (``NoCredentials``).
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    request = {"Bucket": bucket, "Key": key, "ResponseContentDisposition": disposition, **_version(version_id)}
    request |= {"ResponseContentType": "application/octet-stream", "ResponseCacheControl": "no-store"}
    there = target if target.endpoint_url else replace(target, region=_region_of(target, bucket))
    with translate("GetObject", permission="s3:GetObject", subject=f"{SCHEME}{bucket}/{key}"):
        return str(client(there, "s3").generate_presigned_url("get_object", Params=request, ExpiresIn=seconds))


def _region_of(target: Target, bucket: str) -> str:
    try:
        return bucket_region(target, bucket) or target.region
    except AwsError:
        return target.region  # who may read objects may not be allowed to ask for their bucket


def put_object(
    target: Target, bucket: str, key: str, body: bytes, *, content_type: str = "application/octet-stream"
) -> str:
    """Write a small object and return its ETag. Raises :class:`AwsError`."""
    with translate("PutObject", permission="s3:PutObject", subject=f"{SCHEME}{bucket}/{key}"):
        answer = client(target, "s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
    return str(answer["ETag"]).strip('"')


def upload_fileobj(target: Target, bucket: str, key: str, file: BinaryIO) -> None:
    """Write an object of any size from an open file, in parts if it is large. Raises :class:`AwsError`.

    The parts go one after the other, so that what watches uploads is called in the caller's thread.
    """
    with translate("PutObject", permission="s3:PutObject", subject=f"{SCHEME}{bucket}/{key}"):
        client(target, "s3").upload_fileobj(file, bucket, key, Config=TransferConfig(use_threads=False))


def copy_object(
    target: Target,
    bucket: str,
    item: S3Object,
    *,
    to_key: str,
    to_bucket: str = "",
    version_id: str = "",
    if_unchanged: bool = False,
    kms_key_id: str = "",
    owner: str = "",
    progress: Callable[[int], None] = lambda copied_bytes: None,
    at_once: int = MOST_AT_ONCE,
) -> None:
    """Copy *item*, or its version *version_id*, inside S3: in one call, or in parts; within its bucket by default.

    It is copied in parts if it has more than *at_once* bytes. *progress* is called in the caller's thread with the size
    of each part. With *if_unchanged*, S3 refuses (``PreconditionFailed``) unless the object has the ETag of *item*.
    With *kms_key_id*, the copy is encrypted with that key. With *owner*, the bucket must belong to that account. Raises
    :class:`AwsError`.
    """
    # Larger objects need UploadPartCopy: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html.
    config = TransferConfig(
        multipart_threshold=at_once + 1, multipart_chunksize=min(at_once, PART_BYTES), use_threads=False
    )
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
    owners = {"ExpectedBucketOwner": owner, "ExpectedSourceBucketOwner": owner} if owner else {}
    unchanged = {"CopySourceIfMatch": item.etag} if if_unchanged else {}
    with translate("CopyObject", permission="s3:PutObject", subject=f"{SCHEME}{to_bucket or bucket}/{to_key}"):
        client(target, "s3").copy(
            {"Bucket": bucket, "Key": item.key, **_version(version_id)},
            to_bucket or bucket,
            to_key,
            ExtraArgs=extra | owners | unchanged,
            Callback=progress,
            Config=config,
        )


def delete_object(target: Target, bucket: str, key: str, *, version_id: str = "") -> None:
    """Delete an object; in a bucket with versioning, add a delete marker, or delete *version_id* for good.

    Raises :class:`AwsError`.
    """
    permission = "s3:DeleteObjectVersion" if version_id else "s3:DeleteObject"
    with translate("DeleteObject", permission=permission, subject=f"{SCHEME}{bucket}/{key}"):
        client(target, "s3").delete_object(Bucket=bucket, Key=key, **_version(version_id))


def create_bucket(target: Target, bucket: str) -> None:
    """Create a bucket in the target's region, unless the account owns it already. Raises :class:`AwsError`."""
    # us-east-1 is S3's default region and the only one that it refuses as a LocationConstraint.
    where = {} if target.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": target.region}}
    with translate("CreateBucket", permission="s3:CreateBucket", subject=f"bucket {bucket}"):
        try:
            client(target, "s3").create_bucket(Bucket=bucket, **where)
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
