"""Rows of a table, their limits, and the one error that reading a table raises.

A row is a dict from column name to text. Other values are written as JSON, and ``null`` as an empty string. The limits
apply to decoded data, not stored data, because a few hundred bytes can hold gigabytes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

Row = dict[str, str]

MOST_ROWS = 1_000_000  # twenty jobs of 50,000 records
MOST_COLUMNS = 2_000
MOST_CELL_CHARACTERS = 16 * 2**20
MOST_ROW_CHARACTERS = 32 * 2**20
BOM = b"\xef\xbb\xbf"

_encode = msgspec.json.Encoder().encode


class TableError(ValueError):
    """The file cannot be read as a table. ``row`` is the row's number, 1 for the first after the header, or 0."""

    def __init__(self, message: str, *, hint: str = "", row: int = 0) -> None:
        super().__init__(f"Row {row:,}: {message}" if row else message)
        self.hint = hint
        self.row = row


def column_names(header: Iterable[str]) -> list[str]:
    """Return the column names in *header*, naming the unnamed ones. Raises :class:`TableError`."""
    names = [name.strip() or f"column {number}" for number, name in enumerate(header, 1)]
    if not names:
        raise TableError("The file has no columns.", hint="Its first line must name them.")
    if len(names) > MOST_COLUMNS:
        raise TableError(f"The file has {len(names):,} columns; at most {MOST_COLUMNS:,} are read.")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableError(f"Two columns are named {name}.", hint="Give each column a name of its own.")
        seen.add(name)
    return names


def too_many_rows(count: int | None = None) -> TableError:
    """Return the error for a table with too many rows; *count* is their number, if known."""
    found = f"{count:,} rows" if count else f"more than {MOST_ROWS:,} rows"
    return TableError(f"The file has {found}; at most {MOST_ROWS:,} are read.", hint="Split the file.")


def counted(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield *rows*. Raises :class:`TableError` after :data:`MOST_ROWS`."""
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise too_many_rows()
        yield row


def as_text(value: Any) -> str:
    """Return a string unchanged, ``None`` as an empty string, and anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _encode(value).decode()
