"""CSV as every download of the product writes it: RFC 4180, UTF-8, no cell that a spreadsheet takes for a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

FLUSH_CHARACTERS = 2**16
# Without it Excel reads UTF-8 as Windows-1252. Programs other than spreadsheets take it for a part of the first name.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Spreadsheets take a text that begins so for a formula, the wide forms where the keyboard is Japanese:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Line:
    """What :func:`csv.writer` writes to: it hands the line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def csv_chunks(header: Iterable[str], rows: Iterable[Iterable[Any]], *, for_excel: bool = False) -> Iterator[bytes]:
    """*header* and *rows* as CSV, some kilobytes at a time; ``None`` is an empty cell.

    *for_excel* puts a byte-order mark first.
    """
    writer = csv.writer(_Line())
    held = [writer.writerow(map(safe, header))]
    size = len(held[0])
    mark = BYTE_ORDER_MARK if for_excel else b""
    for row in rows:
        held.append(writer.writerow(map(safe, row)))
        size += len(held[-1])
        if size >= FLUSH_CHARACTERS:
            yield mark + "".join(held).encode("utf-8", "replace")
            held.clear()
            size, mark = 0, b""
    yield mark + "".join(held).encode("utf-8", "replace")


def safe(value: Any) -> Any:
    """*value*, a text made harmless for spreadsheets by an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
