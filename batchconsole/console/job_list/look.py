"""A user's table preferences: which columns in which order and width, and how the rows look.

They are stored in three short cookies. Reading ignores unknown columns and limits widths to their bounds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from batchconsole.console.frame.preferences import Preferences
from batchconsole.console.job_list.columns import BY_NAME, DEFAULT, JobColumn, chosen

KEPT = ("page-size", "density", "columns", "table", "widths")  # every preference of the table
NARROWEST, WIDEST = 48, 1000  # pixels
WIDTH = re.compile(r"([a-z_]+)-(\d{2,4})")
ONE_LINE, STRIPED, STICKY = "one-line", "striped", "sticky"


@dataclass(frozen=True, kw_only=True)
class TableLook:
    """One user's preferences for the table; the defaults apply without any."""

    columns: tuple[str, ...] = ()  # empty: the default columns
    widths: dict[str, int] = field(default_factory=dict)  # pixels by column; empty: widths that fit the cells
    wrap_lines: bool = True
    striped_rows: bool = False
    sticky_column: bool = False

    @classmethod
    def read(cls, *, columns: str, rows: str, widths: str) -> Self:
        """Read the look from its three cookie texts."""
        words = rows.split(".")
        return cls(
            columns=tuple(filter(None, columns.split("."))),
            widths=read_widths(widths),
            wrap_lines=ONE_LINE not in words,
            striped_rows=STRIPED in words,
            sticky_column=STICKY in words,
        )

    @property
    def shown(self) -> list[JobColumn]:
        """The columns to show, in order."""
        return chosen(self.columns)


def look_of(preferences: Preferences) -> TableLook:
    """Return the look stored in the user's preferences."""
    kept = preferences.of_pages
    return TableLook.read(columns=kept.get("columns", ""), rows=kept.get("table", ""), widths=kept.get("widths", ""))


def read_widths(text: str) -> dict[str, int]:
    """Read widths such as ``name-240.status-180``, limited to their bounds; entries of unknown columns are ignored."""
    found = [match for match in map(WIDTH.fullmatch, text.split(".")) if match and match[1] in BY_NAME]
    return {match[1]: min(max(int(match[2]), NARROWEST), WIDEST) for match in found}


def write_widths(widths: Mapping[str, int]) -> str:
    return ".".join(f"{name}-{width}" for name, width in widths.items())


def write_columns(names: Iterable[str]) -> str:
    """Return the cookie text for the columns *names*; empty for the default columns."""
    kept = tuple(names)
    return "" if kept == DEFAULT else ".".join(kept)


def write_rows(*, wrap_lines: bool, striped_rows: bool, sticky_column: bool) -> str:
    """Return the cookie text for the look of the rows; empty for the default."""
    words = {ONE_LINE: not wrap_lines, STRIPED: striped_rows, STICKY: sticky_column}
    return ".".join(word for word, is_wanted in words.items() if is_wanted)
