"""Records out of input files: one JSON object a line, read in one pass with bounded memory. Calls no model."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from batchconsole.records.lines import batches

BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line is longer than the limit."""


class NotARecord(ValueError):
    """A line is not a record of its format; *code* is what OpenAI's batches call that."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Line(msgspec.Struct, frozen=True):
    """``number`` counts lines from 1; ``end`` is the offset in the file of the byte after the line and its feed."""

    number: int
    end: int
    data: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A record around the model's own request body, which stays as it was written. Named as in the file."""

    modelInput: msgspec.Raw
    recordId: Any = None


_decoder = msgspec.json.Decoder(Envelope)


def read_lines(pieces: Iterable[bytes], *, offset: int = 0, limit: int) -> Iterator[Line]:
    """Split at line feeds only (a record may hold a raw U+2028); lines of nothing but white space are left out.

    *offset* is where *pieces* begin in the file. A byte-order mark at the file's beginning and a carriage return at a
    line's end are taken off. Raises :class:`LineTooLong` for a line of more than *limit* bytes.
    """
    number = 0
    for batch in batches(pieces, offset=offset, max_line_bytes=limit):
        if batch.cut:
            raise LineTooLong(f"Line {number + 1} is longer than {limit} bytes.")
        end = batch.offset
        for number, data in enumerate(batch.lines, number + 1):  # noqa: B020 - counts on from batch to batch
            content = (data.removeprefix(BOM) if end == 0 else data).strip(b" \t\r")
            end = min(end + len(data) + 1, batch.end)
            if content:
                yield Line(number, end, content)


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
