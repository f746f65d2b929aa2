"""Rows of CSV as spreadsheets and programs write it; encoding, line endings and separator are detected.

The caller may set the encoding and the separator instead.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from batchconsole.records.rows import (
    BOM,
    MOST_CELL_CHARACTERS,
    MOST_ROW_CHARACTERS,
    Row,
    TableError,
    column_names,
    counted,
)

SEPARATORS = ",;\t|"
# The encodings on offer, with the labels for a form.
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252 (Excel)", "latin-1": "ISO 8859-1"}
HEAD_BYTES = 64 * 1024
SAMPLE_ROWS = 30
WINDOWS = "cp1252"  # what Excel writes as CSV unless it is UTF-8

# The default limit of 128 KiB is too small for documents. The limit is global to the process, so it is set once.
csv.field_size_limit(MOST_CELL_CHARACTERS)

_QUOTED = re.compile(r'"[^"]*"')
_ASKED = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)  # Excel's own way to name the separator, on the first line
_ENDS = {"\n": re.compile(r"\n"), "\r": re.compile(r"\r\n|\r|\n")}
_QUOTES = "A value with a separator, a quotation mark or a line break must stand in quotation marks."
# Plain words for the messages of Python's csv module.
_FAULTS = (
    ("unexpected end of data", "a quotation mark is never closed"),
    ("expected after", "a value goes on after its closing quotation mark"),
    ("field larger than", f"a value is longer than {MOST_CELL_CHARACTERS:,} characters"),
    ("new-line character", "a line break stands inside a value without quotation marks"),
)


def read_csv(chunks: Iterable[bytes], *, separator: str = "", encoding: str = "") -> Iterator[Row]:
    """Yield the rows after the header, as RFC 4180 defines them. Rows without any value are skipped.

    *separator* and *encoding* (one of :data:`ENCODINGS`) are detected if they are not given.

    Raises
    ------
    TableError
        While iterating, with the number of the row if it is known.
    """
    return counted(_rows(chunks, separator, encoding))


def _rows(chunks: Iterable[bytes], separator: str, encoding: str) -> Iterator[Row]:
    parts = iter(chunks)
    head, ended = _head(parts)
    encoding = encoding or encoding_of(head)
    text = _text_of(head, encoding, is_all=ended)
    end = _line_end(text)
    asked = _ASKED.match(text)
    separator = separator or (asked[1] if asked else find_separator(text, is_all=ended))
    lines = _Lines(chain([head], parts), encoding, end, skip=len(asked[0]) if asked else 0)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    row, columns = 0, None
    try:
        for cells in reader:
            lines.end_row()
            if not any(map(str.strip, cells)):
                continue
            if columns is None:
                columns = column_names(cells)
                continue
            row += 1
            yield dict(zip(columns, _fitted(cells, len(columns), row), strict=True))
    except csv.Error as error:
        raise TableError(f"It is not valid CSV: {_said(error)}.", row=row + 1, hint=_QUOTES) from error
    if columns is None:
        raise TableError("The file is empty.", hint="Choose a file with a row for each record.")


def _said(error: csv.Error) -> str:
    return next((words for part, words in _FAULTS if part in str(error)), "its quotation marks do not match")


def _fitted(cells: list[str], count: int, row: int) -> list[str]:
    """Return *cells* without empty extra ones, which spreadsheets write. Raises TableError if the number is wrong."""
    if len(cells) > count and not any(map(str.strip, cells[count:])):
        return cells[:count]
    if len(cells) != count:
        values = f"{len(cells)} value{'' if len(cells) == 1 else 's'}"
        hint = f"{_QUOTES} Or choose another separator."
        raise TableError(f"It has {values}, and the header has {count}.", row=row, hint=hint)
    return cells


def _head(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the first bytes, and whether they are the whole file."""
    head = b""
    for part in parts:
        head += part
        if len(head) >= HEAD_BYTES:
            return head, False
    return head, True


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text that begins with *head*, from its byte-order mark, zero bytes or other bytes."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head[:2]:
        return "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head[:HEAD_BYTES])
    except UnicodeDecodeError:
        return WINDOWS if _is_windows(head[:HEAD_BYTES]) else "utf-8-sig"
    return "utf-8-sig"


def _is_windows(head: bytes) -> bool:
    try:
        head.decode(WINDOWS)
    except UnicodeDecodeError:
        return False
    return True


def _text_of(head: bytes, encoding: str, *, is_all: bool) -> str:
    """Decode *head*, leaving out a character that its end cuts off."""
    try:
        return codecs.getincrementaldecoder(_codec(encoding))("replace").decode(head, is_all)
    except LookupError as error:
        raise TableError(f"There is no encoding {encoding}.", hint="Choose one that is offered.") from error


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding


def _line_end(text: str) -> str:
    """Return the line ending: ``\\r`` (old Macs) if there is no ``\\n`` outside quotation marks, otherwise ``\\n``."""
    plain = _QUOTED.sub("", text)
    return "\r" if "\r" in plain and "\n" not in plain else "\n"


def find_separator(text: str, *, is_all: bool = True) -> str:
    """Return the separator that gives the most rows of *text* as many values as the header; a comma by default.

    Text in quotation marks does not count. *is_all* says that *text* is the whole file, not just its beginning.
    """
    end = _line_end(text)
    lines = list(_split(text, end))[: SAMPLE_ROWS * 4]
    found = [(candidate, _widths(lines, candidate, is_all=is_all)) for candidate in SEPARATORS]
    wide = [(candidate, widths) for candidate, widths in found if widths and widths[0] > 1]
    if not wide:
        return next((candidate for candidate, widths in found if widths), SEPARATORS[0])
    return max(wide, key=lambda one: (_fit(one[1]), one[1][0]))[0]


def _fit(widths: list[int]) -> float:
    return sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)


def _widths(lines: list[str], separator: str, *, is_all: bool) -> list[int]:
    """Return the number of values in each of the first rows; empty if *lines* are not CSV with that separator."""
    widths: list[int] = []
    reader = csv.reader(iter(lines), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                widths.append(len(cells))
            if len(widths) >= SAMPLE_ROWS:
                return widths
    except csv.Error as error:
        # A quotation mark may be closed after this sample; if it never is, reading the rows reports it.
        return widths if "unexpected end" in str(error) else []
    return widths if is_all else widths[:-1] or widths


def _split(text: str, end: str) -> Iterator[str]:
    place = 0
    for match in _ENDS[end].finditer(text):
        yield text[place : match.end()]
        place = match.end()
    if place < len(text):
        yield text[place:]


class _Lines:
    """The lines of a file with their line endings. Other separators, such as U+2028, do not end a line.

    No more than :data:`MOST_ROW_CHARACTERS` are read for a row, because a quotation mark that is never closed makes the
    rest of the file one value.
    """

    def __init__(self, chunks: Iterable[bytes], encoding: str, end: str, *, skip: int) -> None:
        self.encoding = encoding
        self.end = end
        self.number = 0
        self.size = 0  # characters since the end of the last row
        self.lines = self._read(chunks, skip)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.size += len(line)
        if self.size > MOST_ROW_CHARACTERS:
            raise TableError(
                f"Line {self.number + 1:,} is part of a row longer than {MOST_ROW_CHARACTERS:,} characters.",
                hint=_QUOTES,
            )
        self.number += 1
        return line

    def end_row(self) -> None:
        self.size = 0

    def _read(self, chunks: Iterable[bytes], skip: int) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(_codec(self.encoding))()
        rest, done = "", 0
        for chunk in chain(filter(None, chunks), [b""]):
            try:
                text = rest + decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise self._undecodable(error, done) from error
            text, skip = text[skip:], max(0, skip - len(text))
            last = len(text) - 1 if chunk and self.end == "\r" and text.endswith("\r") else len(text)
            *lines, rest = [*_split(text[:last], self.end), ""]
            if lines and not lines[-1].endswith(("\n", "\r")):
                rest = lines.pop()
            rest += text[last:]
            done += len(lines)
            yield from lines
            if len(rest) > MOST_CELL_CHARACTERS:
                raise TableError(f"Line {done + 1:,} is longer than {MOST_CELL_CHARACTERS:,} characters.")
        if rest:
            yield rest

    def _undecodable(self, error: UnicodeDecodeError, done: int) -> TableError:
        line = done + 1 + error.object.count(b"\n", 0, error.start)
        name = ENCODINGS.get(self.encoding.removesuffix("-sig"), self.encoding.upper())
        return TableError(f"Line {line:,} is not {name}.", hint="Save the file as UTF-8, or choose its encoding.")


def as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks* of a text as UTF-8: UTF-16 with a byte-order mark is recoded, anything else is left unchanged."""
    parts = iter(chunks)
    first = next(filter(None, parts), b"")
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first.removeprefix(BOM)
        yield from parts
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for part in chain([first], parts):
        yield decoder.decode(part).encode("utf-8", "replace")
