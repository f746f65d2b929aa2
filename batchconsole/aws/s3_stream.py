"""Amazon S3: writing an object of any size while its bytes are being made, in memory for one part."""

import logging
from collections.abc import Callable, Iterable, Iterator

from batchconsole.aws import s3, s3_multipart
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target

logger = logging.getLogger(__name__)

# Times S3's 10,000 parts: 78 GiB, more than a job may read.
PART_BYTES = 8 * 2**20


def write_stream(
    target: Target,
    bucket: str,
    key: str,
    chunks: Iterable[bytes],
    *,
    part_bytes: int = PART_BYTES,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write *chunks* as one object and return its size in bytes.

    What fits into a part is written at once; the rest goes in parts, and *progress* is called with the bytes written
    after each. The object is there whole at the end or not at all: when *chunks* raise, the parts are thrown away and
    the error goes on.

    Raises
    ------
    AwsError
        ``NoSuchBucket``, ``AccessDenied``, or never reached.
    """
    parts = _parts(chunks, part_bytes)
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        s3.put_object(target, bucket, key, first)
        return len(first)
    return _write_parts(target, bucket, key, _after(first, second, parts), progress or _silent)


def _silent(written: int) -> None:
    """Nobody wants to know."""


def _parts(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """*chunks* joined into parts of at least *size* bytes; only the last may be smaller."""
    held: list[bytes] = []
    count = 0
    for chunk in chunks:
        held.append(chunk)
        count += len(chunk)
        if count >= size:
            yield b"".join(held)
            held.clear()
            count = 0
    if held:
        yield b"".join(held)


def _after(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def _write_parts(target: Target, bucket: str, key: str, parts: Iterator[bytes], progress: Callable[[int], None]) -> int:
    upload_id = s3_multipart.create_multipart_upload(target, bucket, key)
    written = 0
    try:
        for number, body in enumerate(parts, 1):
            s3_multipart.upload_part(target, bucket, key, upload_id=upload_id, number=number, body=body)
            written += len(body)
            progress(written)
        s3_multipart.complete_multipart_upload(target, bucket, key, upload_id=upload_id)
    except BaseException:
        _abort(target, bucket, key, upload_id)
        raise
    return written


def _abort(target: Target, bucket: str, key: str, upload_id: str) -> None:
    try:
        s3_multipart.abort_multipart_upload(target, bucket, key, upload_id=upload_id)
    except AwsError as error:
        logger.warning("Parts of s3://%s/%s stay in S3, upload %s: %s", bucket, key, upload_id, error)
