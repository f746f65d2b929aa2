"""Multipart uploads to S3 that any call begins, continues or ends, told to whoever clears up after killed processes.

S3 keeps the parts of an upload, and charges for them, until it is completed or aborted. boto3's transfers and copies
begin uploads of their own, so botocore's events are watched rather than our functions. Uploads of a target without an
owner are nobody's and are not told.
"""

from dataclasses import dataclass
from typing import Any, Protocol

PARAMS = "batchconsole_upload"  # in botocore's context of the call
NO_UPLOAD = "NoSuchUpload"  # S3's code for an upload that was completed, aborted or never begun
BEGINS = "CreateMultipartUpload"
GOES_ON = ("UploadPart", "UploadPartCopy")
ENDS = ("CompleteMultipartUpload", "AbortMultipartUpload")


@dataclass(frozen=True, kw_only=True)
class OpenUpload:
    """One upload; ``owner`` is that of the target whose client made the call."""

    owner: int
    bucket: str
    key: str
    upload_id: str


class Watcher(Protocol):
    """Called right after S3 has answered, in the thread of the call."""

    def began(self, upload: OpenUpload) -> None: ...
    def went_on(self, upload: OpenUpload) -> None: ...
    def ended(self, upload: OpenUpload) -> None: ...


_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """Tell *watcher* of all uploads from now on."""
    _watchers.append(watcher)


class _Events:
    """The handlers of one client."""

    def __init__(self, owner: int) -> None:
        self.owner = owner

    def keep_params(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[PARAMS] = {name: params.get(name, "") for name in ("Bucket", "Key", "UploadId")}

    def began(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "UploadId" in parsed:
            for each in _watchers:
                each.began(self._upload(context, upload_id=parsed["UploadId"]))

    def went_on(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "Error" not in parsed:
            for each in _watchers:
                each.went_on(self._upload(context))

    def ended(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if parsed.get("Error", {}).get("Code", NO_UPLOAD) == NO_UPLOAD:
            for each in _watchers:
                each.ended(self._upload(context))

    def _upload(self, context: dict[str, Any], *, upload_id: str = "") -> OpenUpload:
        params = context[PARAMS]
        return OpenUpload(
            owner=self.owner, bucket=params["Bucket"], key=params["Key"], upload_id=upload_id or params["UploadId"]
        )


def tell_uploads(client: Any, owner: int) -> None:
    """Make *client*, a boto3 client of S3 that belongs to *owner*, tell the watchers of its uploads."""
    told = _Events(owner)
    handlers = {BEGINS: told.began} | dict.fromkeys(GOES_ON, told.went_on) | dict.fromkeys(ENDS, told.ended)
    for operation, handler in handlers.items():
        events = client.meta.events
        events.register(f"before-parameter-build.s3.{operation}", told.keep_params, unique_id=f"params-{operation}")
        events.register(f"after-call.s3.{operation}", handler, unique_id=f"upload-{operation}")
