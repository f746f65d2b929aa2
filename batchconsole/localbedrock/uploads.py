"""Write whole objects and check that they exist: an upload or object that S3 has lost is written again."""

import io
import itertools
import logging
from collections.abc import Callable
from typing import BinaryIO

from batchconsole.localbedrock.storage import Storage, UploadLost

log = logging.getLogger(__name__)

PART_BYTES = 8 << 20  # S3 requires at least 5 MiB in every part but the last, and at most 10,000 parts.


def write_object(
    storage: Storage,
    key: str,
    content: BinaryIO,
    *,
    size: int,
    upload_id: str = "",
    began: Callable[[str], None] = lambda _: None,
) -> None:
    """Write the *size* bytes of *content* to the object *key*, and repeat until S3 has it.

    *upload_id* is an upload started earlier. *began* is called with the id of each upload started here, and with an
    empty string when an upload is complete. Raises :class:`StorageRefused`, or :class:`Interrupted` when the storage's
    patience ends.
    """
    for attempt in itertools.count():
        try:
            if upload_id or size >= PART_BYTES:
                _write_parts(storage, key, content, size=size, upload_id=upload_id, began=began)
            else:
                content.seek(0)
                storage.put(key, content)
        except UploadLost as error:
            log.warning("S3 has lost the upload of %s, beginning it again: %s", key, error)
        else:
            if storage.has(key, size):
                return
            log.warning("S3 took %s but does not have it, writing it again. Is its disk full?", key)
        upload_id = ""
        storage.patience.pause(attempt)


def write_bytes(storage: Storage, key: str, content: bytes) -> None:
    """Write *content* to the object *key*, as :func:`write_object` does."""
    write_object(storage, key, io.BytesIO(content), size=len(content))


def _write_parts(
    storage: Storage, key: str, content: BinaryIO, *, size: int, upload_id: str, began: Callable[[str], None]
) -> None:
    if not upload_id:
        upload_id = storage.start_upload(key)
        began(upload_id)
    etags = []
    for number, start in enumerate(range(0, max(size, 1), PART_BYTES), 1):
        content.seek(start)
        etags.append(storage.upload_part(key, upload_id, number, content.read(min(PART_BYTES, size - start))))
    storage.complete_upload(key, upload_id, etags)
    began("")
