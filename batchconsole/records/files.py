"""Input files: a name, a size, and a way to read from any byte. This module does not use S3."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from batchconsole.records.lines import CHUNK_BYTES


class Opener(Protocol):
    """A callable with the parameter ``start`` that returns the bytes from there to the end, in chunks."""

    def __call__(self, *, start: int) -> Iterable[bytes]: ...


class InputFile(msgspec.Struct, frozen=True):
    """One file of a job's input. ``name`` is its name in findings, ``size`` is in bytes.

    ``open`` may be called more than once and should be picklable (a function in a module, a ``partial``), so that
    another process can read part of the file.
    """

    name: str
    size: int
    open: Opener


def from_path(path: Path, *, name: str = "") -> InputFile:
    """Return a file on this machine. Raises ``OSError`` if it does not exist."""
    return InputFile(name or path.name, path.stat().st_size, partial(read_path, path))


def from_bytes(name: str, data: bytes) -> InputFile:
    """Return a file held in memory."""
    return InputFile(name, len(data), partial(read_bytes, data))


def read_path(path: Path, *, start: int = 0) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as stream:
        stream.seek(start)
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def read_bytes(data: bytes, *, start: int = 0) -> Iterator[bytes]:
    for place in range(start, len(data), CHUNK_BYTES):
        yield data[place : place + CHUNK_BYTES]
