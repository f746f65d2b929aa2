"""S3 as one job sees it: its input and output locations, with calls that are retried while S3 is unavailable."""

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from batchconsole.localbedrock.jobs import Job
from batchconsole.localbedrock.patience import Patience
from batchconsole.localbedrock.service_role import s3_client
from batchconsole.localbedrock.settings import Settings

log = logging.getLogger(__name__)

READ_CHUNK = 8 << 20
LOST = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder"})
# Access denied, not found, or invalid: retrying does not help.
PERMANENT = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "NoSuchBucket",
        "NoSuchKey",
        "404",
        "403",
        "400",
        "InvalidBucketName",
        "PreconditionFailed",
        "412",
        "NoSuchEntity",
        "ValidationError",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AllAccessDisabled",
        "InvalidRequest",
        "PermanentRedirect",
        "301",
        "KMS.NotFoundException",
        "KMS.DisabledException",
    }
)


class StorageRefused(Exception):
    """S3 or STS refuses a call permanently; ``code`` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class UploadLost(Exception):
    """S3 has lost a multipart upload or some of its parts; the upload has to start again."""


class RoleRefused(StorageRefused):
    """STS does not let Bedrock assume the service role."""


class _Away(Exception):
    """S3 or STS is unreachable or failing; a retry may succeed."""


class S3Object(msgspec.Struct, frozen=True):
    """An object of the input; ``size`` is in bytes."""

    key: str
    size: int
    etag: str


def split_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key; the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Storage:
    """One job's view of S3.

    Calls raise :class:`StorageRefused`, and calls for uploads also :class:`UploadLost`; only :meth:`has` and
    :meth:`abort_upload` handle them. While S3 is unavailable, a call is retried until *patience* raises
    :class:`Interrupted`.
    """

    def __init__(self, job: Job, settings: Settings, patience: Patience) -> None:
        self._client = s3_client(job, settings)
        self.patience = patience
        self._input_owner = _owner(job.input)
        self._output = _owner(job.output) | _encryption(job.output)
        self._output_owner = _owner(job.output)
        self.input_bucket, self.input_key = split_uri(job.input["s3Uri"])
        self.output_bucket, output_prefix = split_uri(job.output["s3Uri"])
        # The input of an OpenAI batch is always a single file, whatever its name.
        self.is_folder = job.api == "bedrock" and is_folder(self.input_key)
        self.output_folder = f"{output_prefix.rstrip('/')}/{job.shown_id}/".lstrip("/")

    def list_objects(self, prefix: str) -> Iterator[S3Object]:
        """Yield the input bucket's objects under *prefix*, in S3's key order."""
        token: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Bucket=self.input_bucket, Prefix=prefix, **token, **self._input_owner)
            for item in page.get("Contents", []):
                yield S3Object(item["Key"], item["Size"], item["ETag"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def head(self, key: str) -> S3Object:
        answer = self._call("head_object", Bucket=self.input_bucket, Key=key, **self._input_owner)
        return S3Object(key, answer["ContentLength"], answer["ETag"])

    def read(self, file: S3Object, offset: int = 0) -> Iterator[bytes]:
        """Yield the object's bytes from *offset* in pieces of at most 8 MiB; S3 refuses if the object has changed."""
        while offset < file.size:
            end = min(offset + READ_CHUNK, file.size) - 1
            piece = self._call(
                "get_object",
                Bucket=self.input_bucket,
                Key=file.key,
                Range=f"bytes={offset}-{end}",
                IfMatch=file.etag,
                **self._input_owner,
            )["Body"]
            offset += len(piece)
            yield piece

    def output_key(self, input_key: str) -> str:
        """Return the output key for *input_key*: the input's folders are mirrored below the job's output folder."""
        base = self.input_key if self.is_folder else self.input_key.rpartition("/")[0]
        base = base.rstrip("/")
        return f"{self.output_folder}{input_key[len(base) :].lstrip('/')}.out"

    def put(self, key: str, body: Any) -> None:
        self._call(
            "put_object",
            Bucket=self.output_bucket,
            Key=key,
            Body=body,
            ContentType="application/octet-stream",
            **self._output,
        )

    def start_upload(self, key: str) -> str:
        """Start a multipart upload and return its id. This needs only the permission to put an object."""
        return str(
            self._call(
                "create_multipart_upload",
                Bucket=self.output_bucket,
                Key=key,
                ContentType="application/octet-stream",
                **self._output,
            )["UploadId"]
        )

    def upload_part(self, key: str, upload_id: str, number: int, body: Any) -> str:
        """Upload part *number* (from 1) and return its ETag; a part uploaded again replaces the earlier one."""
        return str(
            self._call(
                "upload_part",
                Bucket=self.output_bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                **self._output_owner,
            )["ETag"]
        )

    def complete_upload(self, key: str, upload_id: str, etags: list[str]) -> None:
        """Complete the multipart upload from the parts with *etags*, in order."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        self._call(
            "complete_multipart_upload",
            Bucket=self.output_bucket,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
            **self._output_owner,
        )

    def abort_upload(self, key: str, upload_id: str) -> bool:
        """Abort an upload and say whether it is gone. Aborting may need a permission of its own."""
        try:
            self._call(
                "abort_multipart_upload",
                Bucket=self.output_bucket,
                Key=key,
                UploadId=upload_id,
                **self._output_owner,
            )
        except UploadLost:
            return True
        except StorageRefused as error:
            log.warning("The upload of %s is left open: %s", key, error)
            return False
        return True

    def has(self, key: str, size: int) -> bool:
        """Whether the output object *key* exists with *size* bytes; assume so if the role may not check."""
        try:
            answer = self._call("head_object", Bucket=self.output_bucket, Key=key, **self._output_owner)
        except StorageRefused as error:
            return error.code != "404"
        return bool(answer["ContentLength"] == size)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the response of the S3 call *method*, its body read completely; retry while S3 is unavailable."""
        for attempt in itertools.count():
            try:
                if attempt and hasattr(params.get("Body"), "seek"):
                    params["Body"].seek(0)
                return self._call_once(method, params)
            except _Away as error:
                log.warning("S3 is away, trying again: %s", error)
                self.patience.pause(attempt)
        raise AssertionError("unreachable")

    def _call_once(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, method)(**params)
            return answer | {"Body": answer["Body"].read()} if "Body" in answer else answer
        except ClientError as error:
            raise _refusal(error) from error
        except BotoCoreError as error:
            raise _Away(str(error)) from error


def _refusal(error: ClientError) -> Exception:
    code = error.response["Error"].get("Code", "")
    if code in LOST:
        return UploadLost(str(error))
    if code not in PERMANENT:
        return _Away(str(error))
    refused = RoleRefused if error.operation_name == "AssumeRole" else StorageRefused
    return refused(code, error.response["Error"].get("Message", ""))


def is_folder(key: str) -> bool:
    """Whether an input location is a folder rather than a single ``.jsonl`` file."""
    return not key.endswith(".jsonl")


def _owner(location: dict[str, str]) -> dict[str, str]:
    return {"ExpectedBucketOwner": location["s3BucketOwner"]} if "s3BucketOwner" in location else {}


def _encryption(location: dict[str, str]) -> dict[str, str]:
    if "s3EncryptionKeyId" not in location:
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": location["s3EncryptionKeyId"]}
