"""Amazon S3: read objects of any size ahead of the consumer, or write them as they are produced, in bounded memory."""

import contextvars
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice

from batchconsole.aws import s3, s3_multipart
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target

logger = logging.getLogger(__name__)

# With S3's limit of 10,000 parts, this allows 78 GiB, more than a job may read.
PART_BYTES = 8 * 2**20
# One connection to S3 transfers about 80 MB/s, less than one CPU checks. Memory holds only the ranges being read.
RANGE_BYTES = 4 * 2**20
RANGES_AHEAD = 4


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

    An object that fits into one part is written in one call. A larger one is written in parts, and after each of them
    *progress* is called with the bytes written so far. The object is written completely or not at all: if *chunks*
    raises, the upload is aborted and the error propagates.

    Raises
    ------
    AwsError
        ``NoSuchBucket``, ``AccessDenied``, or AWS could not be reached.
    """
    parts = _parts(chunks, part_bytes)
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        s3.put_object(target, bucket, key, first)
        return len(first)
    return _write_parts(target, bucket, key, _after(first, second, parts), progress or _silent)


class ObjectWriter:
    """An object that is written piece by piece, when the bytes arrive by calls: in one call of S3, or in parts.

    At most one part is held in memory. Nothing appears in S3 before :meth:`finish`; :meth:`abort` drops what there is.
    """

    def __init__(self, target: Target, bucket: str, key: str, *, part_bytes: int = PART_BYTES) -> None:
        self.target, self.bucket, self.key = target, bucket, key
        self.part_bytes = part_bytes
        self.size = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._upload_id = ""
        self._parts = 0

    def write(self, data: bytes) -> None:
        """Add *data* to the object. Raises AwsError."""
        self._held.append(data)
        self._held_bytes += len(data)
        self.size += len(data)
        if self._held_bytes >= self.part_bytes:
            self._write_part()

    def finish(self) -> int:
        """Let the object appear and return its size in bytes. Raises AwsError."""
        if not self._upload_id:
            s3.put_object(self.target, self.bucket, self.key, self._take())
            return self.size
        if self._held_bytes:
            self._write_part()
        s3_multipart.complete_multipart_upload(self.target, self.bucket, self.key, upload_id=self._upload_id)
        return self.size

    def abort(self) -> None:
        """Drop the parts written so far. If S3 refuses that, only a warning is logged."""
        if self._upload_id:
            _abort(self.target, self.bucket, self.key, self._upload_id)

    def _write_part(self) -> None:
        if not self._upload_id:
            self._upload_id = s3_multipart.create_multipart_upload(self.target, self.bucket, self.key)
        self._parts += 1
        s3_multipart.upload_part(
            self.target,
            self.bucket,
            self.key,
            upload_id=self._upload_id,
            number=self._parts,
            body=self._take(),
        )

    def _take(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return data


def read_ahead(
    target: Target, bucket: str, key: str, *, size: int, start: int = 0, etag: str = ""
) -> Generator[bytes, None, None]:
    """Yield the bytes of an object of *size* bytes from *start*, in ranges of 4 MiB.

    Threads read the next ranges while the caller processes one; closing the generator starts no further reads. Raises
    the same errors as :func:`s3.iter_object`.
    """
    threads = ThreadPoolExecutor(RANGES_AHEAD, thread_name_prefix="read-ahead")
    read = partial(s3.get_range, target, bucket, key, etag=etag)
    ranges = ((place, min(place + RANGE_BYTES, size)) for place in range(start, size, RANGE_BYTES))
    coming = (threads.submit(contextvars.copy_context().run, read, start=begin, end=end) for begin, end in ranges)
    try:
        ahead: deque[Future[bytes]] = deque(islice(coming, RANGES_AHEAD))
        while ahead:
            data = ahead.popleft().result()
            ahead.extend(islice(coming, 1))
            yield data
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _silent(written: int) -> None:
    """Ignore progress."""


def _parts(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join *chunks* into parts of at least *size* bytes; only the last may be smaller."""
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
