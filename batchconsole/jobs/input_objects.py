"""The objects at a job's input location, as files to read: listed once, and read only in the version listed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from batchconsole.aws import s3
from batchconsole.aws.session import Target
from batchconsole.jobs.errors import UserError
from batchconsole.records.files import InputFile


@dataclass(frozen=True)
class InputObjects:
    """What lies at *input_s3_uri*: the object it names, or everything in the folder, in key order."""

    target: Target
    input_s3_uri: str
    objects: list[s3.S3Object]

    @cached_property
    def files(self) -> list[InputFile]:
        """The objects as files named without the location; reading one that has changed raises AwsError."""
        bucket, key = location(self.input_s3_uri)
        is_file = [item.key for item in self.objects] == [key]
        above = key.rpartition("/")[0] if is_file else key.rstrip("/")
        folder = f"{above}/" if above else ""
        reader = Reader(self.target, bucket)
        return [
            InputFile(item.key.removeprefix(folder), item.size, partial(reader.open, item)) for item in self.objects
        ]

    def fingerprint(self, *also: object) -> str:
        """SHA-256 of the location, each object's key, ETag and size, and of *also*."""
        digest = hashlib.sha256(json.dumps([self.input_s3_uri, *also], default=str).encode())
        for item in self.objects:
            digest.update(json.dumps([item.key, item.etag, item.size]).encode())
        return digest.hexdigest()


class Reader:
    """Reads one object after the other. Who looks at the beginning of one and then reads all of it makes one request:
    the first chunk is kept, and the stream held open, until what follows it or another object is asked for.
    """

    def __init__(self, target: Target, bucket: str) -> None:
        self.target = target
        self.bucket = bucket
        self._begun: tuple[str, bytes, Iterator[bytes]] | None = None

    def open(self, item: s3.S3Object, *, start: int = 0) -> Iterator[bytes]:
        """The bytes of the version listed from *start* on, in chunks; raises AwsError."""
        if start:
            yield from s3.iter_object(self.target, self.bucket, item.key, start=start, etag=item.etag)
            return
        first, rest = self._begin(item)
        self._begun = item.key, first, rest
        yield first
        if len(first) < item.size:
            self._begun = None
            yield from rest

    def _begin(self, item: s3.S3Object) -> tuple[bytes, Iterator[bytes]]:
        begun, self._begun = self._begun, None
        if begun and begun[0] == item.key:
            return begun[1:]
        rest = s3.iter_object(self.target, self.bucket, item.key, etag=item.etag)
        return next(rest, b""), rest


def location(input_s3_uri: str) -> tuple[str, str]:
    """Bucket and key or prefix; raises :class:`UserError` when it is no S3 location."""
    try:
        return s3.parse_s3_uri(input_s3_uri)
    except ValueError as error:
        raise UserError(str(error), "input_s3_uri") from error


def list_input(target: Target, input_s3_uri: str) -> InputObjects:
    """List what a job with this input would read; raises :class:`UserError` and AwsError."""
    bucket, key = location(input_s3_uri)
    folder = key if not key or key.endswith("/") else f"{key}/"
    found = [
        item
        for item in s3.iter_objects(target, bucket, key)
        if (item.key == key or item.key.startswith(folder)) and not item.key.endswith("/")
    ]
    return InputObjects(target, input_s3_uri, found)


def read_head(file: InputFile, size: int) -> bytes:
    """The first *size* bytes of *file*, or all of them; raises AwsError."""
    return read_span(file, 0, size)


def read_span(file: InputFile, start: int, end: int) -> bytes:
    """The bytes of *file* from *start* to before *end*, or as far as there are any; raises AwsError."""
    span = b""
    for chunk in file.open(start=start):
        span += chunk
        if len(span) >= end - start:
            break
    return span[: end - start]
