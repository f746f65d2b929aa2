"""CSV for all downloads: RFC 4180, UTF-8, and no cell that a spreadsheet takes for a formula."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

FLUSH_CHARACTERS = 2**16
# Without it Excel reads UTF-8 as Windows-1252. Other programs may take it for part of the first column's name.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Spreadsheets may take text with these first characters for a formula, the wide forms with Japanese input:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Line:
    """A target for :func:`csv.writer` that returns each line instead of storing it."""

    def write(self, text: str) -> str:
        return text


def csv_chunks(header: Iterable[str], rows: Iterable[Iterable[Any]], *, for_excel: bool = False) -> Iterator[bytes]:
    """Yield *header* and *rows* as CSV, some kilobytes at a time; ``None`` becomes an empty cell.

    *for_excel* adds a byte-order mark at the beginning.
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
    """Return *value*, with an apostrophe before text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
