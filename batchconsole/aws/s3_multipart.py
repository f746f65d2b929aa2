"""Amazon S3: write a large object in parts, each by its own call, so an upload can be resumed."""

from dataclasses import dataclass
from typing import Any

from batchconsole.aws.errors import translate
from batchconsole.aws.s3_addresses import SCHEME
from batchconsole.aws.session import Target, client

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part stored in S3. ``number`` starts at 1, ``size`` is in bytes, ``etag`` is as S3 expects it back."""

    number: int
    size: int
    etag: str


def create_multipart_upload(target: Target, bucket: str, key: str) -> str:
    """Start an upload and return its id. S3 stores, and charges for, its parts until it is completed or aborted.

    Raises
    ------
    AwsError
        ``NoSuchBucket``, ``AccessDenied``, or AWS could not be reached.
    """
    with _translate("CreateMultipartUpload", bucket, key):
        return str(client(target, "s3").create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])


def upload_part(target: Target, bucket: str, key: str, *, upload_id: str, number: int, body: bytes) -> str:
    """Write one part, replacing any with the same number, and return its ETag. Raises AwsError (``NoSuchUpload``)."""
    with _translate("UploadPart", bucket, key):
        answer = client(target, "s3").upload_part(
            Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body
        )
    return str(answer["ETag"])


def list_parts(target: Target, bucket: str, key: str, *, upload_id: str) -> list[Part]:
    """Return the parts stored in S3, ordered by number. Raises AwsError (``NoSuchUpload``)."""
    found: list[Part] = []
    with _translate("ListParts", bucket, key, permission="s3:ListMultipartUploadParts"):
        pages = client(target, "s3").get_paginator("list_parts")
        for page in pages.paginate(Bucket=bucket, Key=key, UploadId=upload_id):
            found += [_part(item) for item in page.get("Parts", [])]
    return found


def _part(item: dict[str, Any]) -> Part:
    return Part(number=item["PartNumber"], size=item["Size"], etag=item["ETag"])


def complete_multipart_upload(target: Target, bucket: str, key: str, *, upload_id: str) -> None:
    """Create the object from all parts. Raises AwsError (``NoSuchUpload``, ``EntityTooSmall``, ``InvalidPart``)."""
    parts = [
        {"PartNumber": part.number, "ETag": part.etag} for part in list_parts(target, bucket, key, upload_id=upload_id)
    ]
    with _translate("CompleteMultipartUpload", bucket, key):
        client(target, "s3").complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )


def abort_multipart_upload(target: Target, bucket: str, key: str, *, upload_id: str) -> None:
    """Abort the upload and delete its parts. Raises AwsError (``NoSuchUpload``)."""
    with _translate("AbortMultipartUpload", bucket, key, permission="s3:AbortMultipartUpload"):
        client(target, "s3").abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


def _translate(operation: str, bucket: str, key: str, *, permission: str = "s3:PutObject") -> Any:
    return translate(operation, permission=permission, subject=f"{SCHEME}{bucket}/{key}")
