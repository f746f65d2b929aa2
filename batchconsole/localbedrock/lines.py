"""Read records from input files: one JSON object per line, in one pass with bounded memory. Calls no model."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from batchconsole.records.lines import batches

BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line is longer than the limit."""


class NotARecord(ValueError):
    """A line is not a record of its format; *code* is the error code that OpenAI's batches use for it."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Line(msgspec.Struct, frozen=True):
    """A line of a file. ``number`` counts from 1; ``end`` is the file offset just after the line and its line feed."""

    number: int
    end: int
    data: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A record with the model's request body exactly as written. Fields have the names they have in the file."""

    modelInput: msgspec.Raw
    recordId: Any = None


_decoder = msgspec.json.Decoder(Envelope)


def read_lines(pieces: Iterable[bytes], *, offset: int = 0, limit: int) -> Iterator[Line]:
    """Split *pieces* at line feeds only, as a record may contain a raw U+2028, and skip blank lines.

    *offset* is where *pieces* start in the file. A byte-order mark at the start of the file is removed, and so are
    spaces, tabs and carriage returns around each line. Raises :class:`LineTooLong` for a line over *limit* bytes.
    """
    number = 0
    for batch in batches(pieces, offset=offset, max_line_bytes=limit):
        if batch.cut:
            raise LineTooLong(f"Line {number + 1} is longer than {limit} bytes.")
        end = batch.offset
        for number, data in enumerate(batch.lines, number + 1):  # noqa: B020 - continues the count from batch to batch
            content = (data.removeprefix(BOM) if end == 0 else data).strip(b" \t\r")
            end = min(end + len(data) + 1, batch.end)
            if content:
                yield Line(number, end, content)


def read_envelope(line: bytes) -> Envelope:
    """Return the record in *line*. Raises :class:`NotARecord`, with the reason, if *line* is not a record."""
    try:
        line.decode()
        envelope = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotARecord(str(error)) from error
    if not bytes(envelope.modelInput).startswith(b"{"):
        raise NotARecord("modelInput is not a JSON object")
    return envelope


def record_id(envelope: Envelope, number: int) -> Any:
    """Return the record's id, or an id of 11 letters and digits made from *number* if it has none."""
    return f"REC{number:08d}" if envelope.recordId is None else envelope.recordId
