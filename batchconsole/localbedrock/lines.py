"""Records out of input files: one JSON object a line, read in one pass with bounded memory. Calls no model."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line is longer than the limit."""


class NotARecord(ValueError):
    """A line is not a JSON object with a ``modelInput`` that is an object."""


class Line(msgspec.Struct, frozen=True):
    """``number`` counts from 1; ``end`` is the offset of the byte after the line and its line feed."""

    number: int
    end: int
    data: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A record around the model's own request body, which stays as it was written. Named as in the file."""

    modelInput: msgspec.Raw
    recordId: Any = None


_decoder = msgspec.json.Decoder(Envelope)


def read_lines(pieces: Iterable[bytes], *, offset: int = 0, number: int = 0, limit: int) -> Iterator[Line]:
    """Split at line feeds only (a record may hold a raw U+2028); lines of nothing but white space are left out.

    *offset* is where *pieces* begin in the file and *number* how many lines came before. A byte-order mark at the
    file's beginning and a carriage return at a line's end are taken off. Raises :class:`LineTooLong` for a line of more
    than *limit* bytes.
    """
    rest: list[bytes] = []
    waiting = 0
    for piece in pieces:
        *whole, tail = piece.split(b"\n")
        for part in whole:
            data = b"".join((*rest, part)) if rest else part
            start, offset, number = offset, offset + len(data) + 1, number + 1
            rest, waiting = [], 0
            _check_length(len(data), limit, number)
            if cleaned := _cleaned(data, start):
                yield Line(number, offset, cleaned)
        rest.append(tail)
        waiting += len(tail)
        _check_length(waiting, limit, number + 1)
    if cleaned := _cleaned(b"".join(rest), offset):
        yield Line(number + 1, offset + waiting, cleaned)


def _check_length(length: int, limit: int, number: int) -> None:
    if length > limit:
        raise LineTooLong(f"Line {number} is longer than {limit} bytes.")


def _cleaned(data: bytes, start: int) -> bytes:
    return (data.removeprefix(BOM) if start == 0 else data).strip(b" \t\r")


def read_envelope(line: bytes) -> Envelope:
    """The record in *line*. Raises :class:`NotARecord` saying what is wrong with it."""
    try:
        line.decode()
        envelope = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotARecord(str(error)) from error
    if not bytes(envelope.modelInput).startswith(b"{"):
        raise NotARecord("modelInput is not a JSON object")
    return envelope


def record_id(envelope: Envelope, number: int) -> Any:
    """The record's id, or the one the service gives to line *number* when it has none: 11 letters and digits."""
    return f"REC{number:08d}" if envelope.recordId is None else envelope.recordId
