"""The objects at a job's input location as files: listed once, and read only in the listed version."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Protocol

from batchconsole.aws import s3
from batchconsole.aws.s3_addresses import SCHEME, parse_s3_uri
from batchconsole.aws.s3_stream import RANGE_BYTES, read_ahead
from batchconsole.aws.session import Target
from batchconsole.jobs.errors import UserError
from batchconsole.records.files import InputFile
from batchconsole.records.lines import from_bytes

MOST_OBJECTS = 100_000  # some 50 MB of memory; a job's 5 GB in files of 50 kB


@dataclass(frozen=True)
class InputObjects:
    """The objects at *input_s3_uri*: the object it names, or everything in the folder, in key order."""

    target: Target
    input_s3_uri: str
    objects: list[s3.S3Object]

    @cached_property
    def files(self) -> list[InputFile]:
        """The objects as files with names relative to the location; reading one that has changed raises AwsError."""
        bucket, key = location(self.input_s3_uri)
        is_file = [item.key for item in self.objects] == [key]
        above = key.rpartition("/")[0] if is_file else key.rstrip("/")
        folder = f"{above}/" if above else ""
        reader = Reader(self.target, bucket)
        return [
            InputFile(item.key.removeprefix(folder), item.size, partial(reader.open, item)) for item in self.objects
        ]

    @cached_property
    def by_uri(self) -> dict[str, s3.S3Object]:
        """Each object by its S3 URI."""
        bucket, _ = location(self.input_s3_uri)
        return {f"{SCHEME}{bucket}/{item.key}": item for item in self.objects}

    @property
    def sizes(self) -> dict[str, int]:
        """The size in bytes of each object, by its S3 URI."""
        return {uri: item.size for uri, item in self.by_uri.items()}

    def fingerprint(self, *also: object) -> str:
        """Return the SHA-256 of the location, of each object's key, ETag and size, and of *also*."""
        digest = hashlib.sha256(json.dumps([self.input_s3_uri, *also], default=str).encode())
        for item in self.objects:
            digest.update(json.dumps([item.key, item.etag, item.size]).encode())
        return digest.hexdigest()


class Listed(Protocol):
    """An object as listed; ``size`` in bytes."""

    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def etag(self) -> str: ...


class Reader:
    """Reads objects one after the other, and caches the first range of the current one.

    So looking at the beginning of an object and then reading all of it fetches no byte twice.
    """

    def __init__(self, target: Target, bucket: str) -> None:
        self.target = target
        self.bucket = bucket
        self._head: tuple[str, bytes] = "", b""

    def open(self, item: Listed, *, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes of the listed version from *start* on, in chunks. Raises AwsError."""
        if start:
            yield from s3.iter_object(self.target, self.bucket, item.key, start=start, etag=item.etag)
            return
        head = self._beginning(item)
        yield from from_bytes(head)
        rest = read_ahead(self.target, self.bucket, item.key, size=item.size, start=len(head), etag=item.etag)
        with closing(rest):
            for part in rest:
                yield from from_bytes(part)

    def _beginning(self, item: Listed) -> bytes:
        if self._head[0] != item.key:
            end = min(item.size, RANGE_BYTES)
            head = s3.get_range(self.target, self.bucket, item.key, end=end, etag=item.etag) if end else b""
            self._head = item.key, head
        return self._head[1]


def location(input_s3_uri: str) -> tuple[str, str]:
    """Return the bucket and the key or prefix. Raises :class:`UserError` if *input_s3_uri* is no S3 location."""
    try:
        return parse_s3_uri(input_s3_uri)
    except ValueError as error:
        raise UserError(str(error), "input_s3_uri") from error


def list_input(target: Target, input_s3_uri: str, *, most: int = MOST_OBJECTS) -> InputObjects:
    """List the objects that a job with this input would read, up to *most*, because all are held in memory.

    Raises :class:`UserError`, also if there are more, and AwsError.
    """
    bucket, key = location(input_s3_uri)
    folder = key if not key or key.endswith("/") else f"{key}/"
    at_input = (
        item
        for item in s3.iter_objects(target, bucket, key)
        if (item.key == key or item.key.startswith(folder)) and not item.key.endswith("/")
    )
    found = list(islice(at_input, most + 1))
    if len(found) > most:
        raise UserError(
            f"There are more than {most:,} objects at {input_s3_uri}, which is more than can be read here.",
            "input_s3_uri",
            "Put the input into a folder of its own.",
        )
    return InputObjects(target, input_s3_uri, found)


def read_head(file: InputFile, size: int) -> bytes:
    """Return the first *size* bytes of *file*, or all if it is shorter. Raises AwsError."""
    return read_span(file, 0, size)


def read_span(file: InputFile, start: int, end: int) -> bytes:
    """Return the bytes of *file* from *start* up to but not including *end*, or to its end. Raises AwsError."""
    span = b""
    for chunk in file.open(start=start):
        span += chunk
        if len(span) >= end - start:
            break
    return span[: end - start]
