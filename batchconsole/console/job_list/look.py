"""How a person wants the table of jobs: which columns in which order and how wide, and how its rows look.

A look is kept as three short texts, its cookies. Whatever they say, it holds only columns and widths that there are.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from batchconsole.console.frame.preferences import Preferences
from batchconsole.console.job_list.columns import BY_NAME, DEFAULT, JobColumn, chosen

KEPT = ("page-size", "density", "columns", "table", "widths")  # all that the table's preferences hold
NARROWEST, WIDEST = 48, 1000  # pixels
WIDTH = re.compile(r"([a-z_]+)-(\d{2,4})")
ONE_LINE, STRIPED, STICKY = "one-line", "striped", "sticky"


@dataclass(frozen=True, kw_only=True)
class TableLook:
    """One person's wishes for the table; the default is what it looks like for whoever has none."""

    columns: tuple[str, ...] = ()  # none are those shown by default
    widths: dict[str, int] = field(default_factory=dict)  # pixels by column; none leave it to what the cells hold
    wrap_lines: bool = True
    striped_rows: bool = False
    sticky_column: bool = False

    @classmethod
    def read(cls, *, columns: str, rows: str, widths: str) -> Self:
        """The look that the three texts stand for."""
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
        """The columns, in their order."""
        return chosen(self.columns)


def look_of(preferences: Preferences) -> TableLook:
    """The look that a person keeps."""
    kept = preferences.of_pages
    return TableLook.read(columns=kept.get("columns", ""), rows=kept.get("table", ""), widths=kept.get("widths", ""))


def read_widths(text: str) -> dict[str, int]:
    """The widths in ``name-240.status-180``, each within its bounds; what names no column is left out."""
    found = [match for match in map(WIDTH.fullmatch, text.split(".")) if match and match[1] in BY_NAME]
    return {match[1]: min(max(int(match[2]), NARROWEST), WIDEST) for match in found}


def write_widths(widths: Mapping[str, int]) -> str:
    return ".".join(f"{name}-{width}" for name, width in widths.items())


def write_columns(names: Iterable[str]) -> str:
    """The text for the columns of *names*, empty for those that are shown by default."""
    kept = tuple(names)
    return "" if kept == DEFAULT else ".".join(kept)


def write_rows(*, wrap_lines: bool, striped_rows: bool, sticky_column: bool) -> str:
    """The text for how rows look, empty for the default."""
    words = {ONE_LINE: not wrap_lines, STRIPED: striped_rows, STICKY: sticky_column}
    return ".".join(word for word, is_wanted in words.items() if is_wanted)
