"""Columns of a table and their headings."""

from dataclasses import dataclass

SORT_ICONS = {"ascending": "caret-up-filled", "descending": "caret-down-filled", "": "caret-down"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; ``name`` is the word for it in a query string."""

    name: str
    title: str
    sorts: bool = False
    is_zoned: bool = False  # shows absolute times, so that the header names the zone
    is_numeric: bool = False


@dataclass(frozen=True)
class Heading:
    """A column as the table's head shows it: how it is sorted now, where a click and a Shift-click on it lead, and how
    many pixels wide it is where widths were chosen.
    """

    column: Column
    sorted: str  # ascending, descending, or empty
    url: str
    add_url: str = ""
    width: int = 0

    @property
    def icon(self) -> str:
        return SORT_ICONS[self.sorted]
