"""Rows out of CSV, JSON Lines and Parquet: one pass, bounded memory, a plain sentence for what is wrong with a file.

A row is a dict of column name and text. What is not text is written as JSON writes it; nothing (``null``) is an empty
text.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Literal

import msgspec

from batchconsole.records.lines import MAX_LINE_BYTES, iter_lines

Kind = Literal["csv", "jsonl", "parquet"]
Row = dict[str, str]

HEAD_BYTES = 64 * 1024
SEPARATORS = ",;\t|"
BOM = b"\xef\xbb\xbf"
MOST_COLUMNS = 2_000
BATCH_ROWS = 256  # of Parquet: a page of the file is decoded anyway, more only holds memory

# One cell of a CSV file; csv's own limit of 128 KiB is too small for documents. It is the interpreter's, not the
# reader's, so it is set once and for all.
MOST_CELL_CHARACTERS = 16 * 2**20
csv.field_size_limit(MOST_CELL_CHARACTERS)

PARQUET = b"PAR1"
_CANNOT = {
    b"\x1f\x8b": ("The file is compressed with gzip.", "Unpack it first."),
    b"PK\x03\x04": ("The file is a zip archive or an Excel workbook.", "Unpack it, or save the sheet as CSV."),
    b"\x28\xb5\x2f\xfd": ("The file is compressed with Zstandard.", "Unpack it first."),
    b"\xff\xfe": ("The file is UTF-16.", "Save it as UTF-8."),
    b"\xfe\xff": ("The file is UTF-16.", "Save it as UTF-8."),
}


class TableError(ValueError):
    """The file cannot be read as a table. ``row`` is the number of the row, 1 the first after the header, 0 none."""

    def __init__(self, message: str, *, hint: str = "", row: int = 0) -> None:
        super().__init__(f"Row {row:,}: {message}" if row else message)
        self.hint = hint
        self.row = row


class RangedFile(io.RawIOBase):
    """A file that is read in ranges, for readers that jump: ``read_range(start, end)`` gives its bytes."""

    def __init__(self, size: int, read_range: Callable[[int, int], bytes]) -> None:
        self.size = size
        self.read_range = read_range
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.size}[whence]
        self.place = max(0, base + offset)
        return self.place

    def readinto(self, buffer: Any) -> int:
        end = min(self.place + len(buffer), self.size)
        if end <= self.place:
            return 0
        data = self.read_range(self.place, end)
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)


def kind_of(name: str, head: bytes) -> Kind:
    """What a file is by its first bytes, its name only settling doubts; raises :class:`TableError`."""
    if not head.removeprefix(BOM).strip():
        raise TableError("The file is empty.", hint="Choose a file with a row for each record.")
    if head.startswith(PARQUET):
        return "parquet"
    for magic, (message, hint) in _CANNOT.items():
        if head.startswith(magic):
            raise TableError(message, hint=hint)
    if b"\0" in head:
        raise TableError("The file is not a text.", hint="Choose a CSV, JSON Lines, or Parquet file.")
    text = head.removeprefix(BOM).lstrip()
    if text.startswith(b"["):
        raise TableError("The file is one JSON array.", hint="Write each element on a line of its own, as JSON Lines.")
    return "jsonl" if text.startswith(b"{") and not name.lower().endswith((".csv", ".tsv")) else "csv"


def read_rows(kind: Kind, *, chunks: Callable[[], Iterable[bytes]], ranged: Callable[[], RangedFile]) -> Iterator[Row]:
    """The rows of a file of *kind*: streamed from *chunks*, for Parquet read from *ranged*.

    Raises
    ------
    TableError
        On the way, with the number of the row.
    """
    if kind == "parquet":
        return read_parquet(ranged())
    return read_csv(chunks()) if kind == "csv" else read_jsonl(chunks())


def read_csv(chunks: Iterable[bytes]) -> Iterator[Row]:
    """The rows under the header, as RFC 4180 has them; the separator is the one the header has most of."""
    lines = _text_lines(chunks)
    first = next(lines, "")
    reader = csv.reader(_again(first, lines), delimiter=max(SEPARATORS, key=first.count), strict=True)
    row = 0
    try:
        columns = _columns(next(reader, []))
        for row, cells in enumerate(filter(None, reader), 1):
            if len(cells) != len(columns):
                values = f"{len(cells)} value{'' if len(cells) == 1 else 's'}"
                raise TableError(f"It has {values}, and the header has {len(columns)}.", row=row, hint=_QUOTES)
            yield dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise TableError(f"It is not valid CSV ({error}).", row=row + 1, hint=_QUOTES) from error


_QUOTES = "A value with a separator, a quotation mark or a line break must stand in quotation marks."


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _columns(header: list[str]) -> list[str]:
    names = [name.strip() or f"column {number}" for number, name in enumerate(header, 1)]
    if not names:
        raise TableError("The first line is empty.", hint="It must name the columns.")
    if len(names) > MOST_COLUMNS:
        raise TableError(f"The file has {len(names):,} columns; at most {MOST_COLUMNS:,} are read.")
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise TableError(f"Two columns are named {twice}.", hint="Give each column a name of its own.")
    return names


def _text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of UTF-8 text with their ends, split at ``\\n`` only: a cell may hold any other separator."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest, number = "", 0
    for chunk in _ending(chunks):
        try:
            text = rest + decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = number + 1 + error.object.count(b"\n", 0, error.start)
            raise TableError(f"Line {line:,} is not UTF-8.", hint="Save the file as UTF-8.") from error
        *lines, rest = text.split("\n")
        number += len(lines)
        yield from (f"{line}\n" for line in lines)
        if len(rest) > MOST_CELL_CHARACTERS:
            raise TableError(f"Line {number + 1:,} is longer than {MOST_CELL_CHARACTERS:,} characters.")
    if rest:
        yield rest


def _ending(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """*chunks* and an empty one, which says that there are no more."""
    yield from filter(None, chunks)
    yield b""


_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def read_jsonl(chunks: Iterable[bytes]) -> Iterator[Row]:
    """One row for each line that holds a JSON object; blank lines are passed over."""
    return (text_row(values) for values in read_objects(chunks))


def read_objects(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one a line, as they stand."""
    row = 0
    for number, line in enumerate(iter_lines(chunks)):
        text = line.removeprefix(BOM) if number == 0 else line
        if not text.strip():
            continue
        row += 1
        if len(line) >= MAX_LINE_BYTES:
            raise TableError(f"It is longer than {MAX_LINE_BYTES:,} bytes.", row=row)
        try:
            yield _decode_object(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TableError("It is not a JSON object.", row=row, hint="Write one JSON object on each line.") from error


def text_row(values: dict[str, Any]) -> Row:
    """*values* as texts."""
    return {name: as_text(value) for name, value in values.items()}


def as_text(value: Any) -> str:
    """A text as it is, nothing as nothing, a value with a text of its own by it, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | int | float | list | dict):
        return _encode(value).decode()
    return str(value)


def read_parquet(file: BinaryIO | RangedFile) -> Iterator[Row]:
    """The rows of a Parquet file, some hundred decoded at a time."""
    # 60 MB of library, which only those who read Parquet should pay for.
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - on use only

    try:
        source = parquet.ParquetFile(file, pre_buffer=False, buffer_size=2**20)
        _columns(source.schema_arrow.names)
        for batch in source.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            for values in batch.to_pylist():
                yield text_row(values)
    except (ArrowException, OSError) as error:
        raise TableError(f"It is not a Parquet file that can be read ({error}).") from error
