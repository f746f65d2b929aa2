"""Put images that a record names by S3 URI into the request, because a model server cannot read the bucket."""

import base64
import mimetypes
from typing import Any

from batchconsole.localbedrock.modelservers.base import RecordRefused
from batchconsole.localbedrock.storage import Storage, StorageRefused, split_uri
from batchconsole.records.families.base import Request

MAX_BYTES = 25_000_000  # The largest request body of the runtime API.


class Media:
    """The images of one job, read from *storage* with the job's role. Without a storage, every S3 image is refused."""

    def __init__(self, storage: Storage | None = None) -> None:
        self._storage = storage

    def put_in(self, request: Request) -> None:
        """Replace every S3 URI of an image in *request* with a data URL. Raises :class:`RecordRefused`."""
        for message in request.messages:
            for part in message["content"] if isinstance(message.get("content"), list) else ():
                if _is_in_s3(part):
                    part["image_url"]["url"] = self._data_url(part["image_url"]["url"])

    def _data_url(self, uri: str) -> str:
        if self._storage is None:
            raise RecordRefused(400, f"The S3 object {uri} can be read by batch jobs only. Send its bytes.")
        bucket, key = split_uri(uri)
        if bucket != self._storage.input_bucket:
            raise RecordRefused(400, f"The S3 object {uri} does not lie in the input bucket of the job.")
        folder = self._storage.input_key.rstrip("/")
        # Source: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html (a warning).
        if folder and not key.startswith(f"{folder}/"):
            raise RecordRefused(400, f"The S3 object {uri} does not lie in the input folder of the job.")
        try:
            file = self._storage.head(key)
            if file.size > MAX_BYTES:
                raise RecordRefused(400, f"The S3 object {uri} has more than {MAX_BYTES} bytes.")
            content = b"".join(self._storage.read(file))
        except StorageRefused as error:
            raise RecordRefused(400, f"The S3 object {uri} cannot be read: {error}") from error
        kind = mimetypes.guess_type(key)[0] or "image/png"
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _is_in_s3(part: Any) -> bool:
    return part.get("type") == "image_url" and str(part["image_url"]["url"]).startswith("s3://")
