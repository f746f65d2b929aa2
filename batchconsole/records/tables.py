"""Read rows from CSV, JSON Lines and Parquet, in one pass, with limited memory and plain error messages."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

from batchconsole.records import repair
from batchconsole.records.csv_rows import as_utf8, encoding_of, read_csv
from batchconsole.records.file_formats import PARQUET, format_of
from batchconsole.records.lines import iter_lines
from batchconsole.records.parquet_rows import Extent, parquet_extent, read_parquet
from batchconsole.records.rows import BOM, Row, TableError, as_text, counted

__all__ = ["Extent", "Kind", "RangedFile", "Row", "TableError", "as_text", "kind_of", "parquet_extent", "read_csv"]
__all__ += ["read_jsonl", "read_objects", "read_parquet", "read_rows"]

Kind = Literal["csv", "jsonl", "parquet"]

HEAD_BYTES = 64 * 1024
MOST_LINE_BYTES = 32 * 2**20  # of JSON, which takes ten times as much memory once decoded


class RangedFile(io.RawIOBase):
    """A seekable file that fetches only the ranges it needs; ``read_range(start, end)`` returns their bytes."""

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
    """Return the kind of a file by its first bytes; its name only settles doubts. Raises :class:`TableError`."""
    if not head.removeprefix(BOM).strip():
        raise TableError("The file is empty.", hint="Choose a file with a row for each record.")
    found = format_of(head)
    if found == PARQUET:
        return "parquet"
    if found:
        raise TableError(f"The file is {found.name}.", hint=found.advice)
    encoding = encoding_of(head)
    if b"\0" in head and not encoding.startswith("utf-16"):
        raise TableError("The file is not a text.", hint="Choose a CSV, JSON Lines, or Parquet file.")
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise TableError("The file is empty.", hint="Choose a file with a row for each record.")
    if text.startswith("["):
        raise TableError("The file is one JSON array.", hint="Write each element on a line of its own, as JSON Lines.")
    return "jsonl" if text.startswith("{") and not name.lower().endswith((".csv", ".tsv")) else "csv"


def read_rows(
    kind: Kind,
    *,
    chunks: Callable[[], Iterable[bytes]],
    ranged: Callable[[], RangedFile],
    separator: str = "",
    encoding: str = "",
) -> Iterator[Row]:
    """Return an iterator over the rows of a file: Parquet is read from *ranged*, other kinds from *chunks*.

    *separator* and *encoding* apply to CSV and are empty unless the user chose them; see :func:`csv_rows.read_csv`.

    Raises
    ------
    TableError
        During iteration, with the row number.
    """
    if kind == "parquet":
        return read_parquet(ranged())
    return read_csv(chunks(), separator=separator, encoding=encoding) if kind == "csv" else read_jsonl(chunks())


# Values are kept as raw JSON, because 30 MB of small lists would become a gigabyte of objects.
_decode_object = msgspec.json.Decoder().decode
_decode_row = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_jsonl(chunks: Iterable[bytes]) -> Iterator[Row]:
    """Return one row for each line with a JSON object. Blank lines are skipped; others raise :class:`TableError`."""
    return counted(_row(line, number) for number, line in enumerate(_filled(chunks), 1))


def _row(line: bytes, number: int) -> Row:
    try:
        return {name: _written(value) for name, value in _decode_row(line).items()}
    except repair.BROKEN:
        return {name: as_text(value) for name, value in _object(line, number).items()}


def _written(value: msgspec.Raw) -> str:
    """Return a JSON value as text: strings decoded, ``null`` as an empty string, others as compact raw JSON."""
    data = bytes(value)
    if data.startswith(b'"'):
        return str(msgspec.json.decode(data))
    return "" if data == b"null" else msgspec.json.format(data, indent=-1).decode()


def read_objects(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Return the JSON objects of a file with one object per line. Raises :class:`TableError`."""
    return (_object(line, number) for number, line in enumerate(_filled(chunks), 1))


def _filled(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines that are not blank."""
    row = 0
    for line in iter_lines(as_utf8(chunks), max_line_bytes=MOST_LINE_BYTES):
        if line.strip():
            row += 1
            if len(line) >= MOST_LINE_BYTES:
                raise TableError(f"It is longer than {MOST_LINE_BYTES:,} bytes.", row=row)
            yield line


def _object(line: bytes, number: int) -> dict[str, Any]:
    """Return the JSON object of *line*.

    ``NaN`` is accepted; invalid UTF-8, unknown escapes and lone surrogates are refused.
    """
    try:
        found = _decode_object(line)
    except repair.BROKEN:
        found = _read_loosely(line, number)
    if not isinstance(found, dict):
        raise _no_object(number)
    return found


def _read_loosely(line: bytes, number: int) -> Any:
    try:
        line.decode()
        found = repair.decode(line)
    except (ValueError, RecursionError) as error:
        raise _no_object(number) from error
    if escape := repair.unknown_escape(line):
        column = _column_with(escape, line)
        hint = "Write a backslash in a text as two backslashes."
        raise TableError(f"{column} holds {escape}, which is no escape of JSON.", row=number, hint=hint)
    if repair.has_lone_surrogate(line):
        hint = "A program has cut a text within a character. Write the text anew."
        raise TableError("It holds half of a surrogate pair.", row=number, hint=hint)
    return found


def _column_with(escape: str, line: bytes) -> str:
    """Return the name of the member of the JSON object *line* in which *escape* is."""
    members = (name for name, value in repair.raw_members(line) if repair.unknown_escape(value) == escape)
    return next((name.strip(b'"').decode() for name in members), "It")


def _no_object(number: int) -> TableError:
    return TableError("It is not a JSON object.", row=number, hint="Write one JSON object on each line.")
