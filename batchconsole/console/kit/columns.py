"""Table columns and their headings."""

from dataclasses import dataclass

SORT_ICONS = {"ascending": "caret-up-filled", "descending": "caret-down-filled", "": "caret-down"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; ``name`` is its name in a query string."""

    name: str
    title: str
    sorts: bool = False
    is_zoned: bool = False  # shows absolute times, so the header names the time zone
    is_numeric: bool = False


@dataclass(frozen=True)
class Heading:
    """A column in the table's header: its current sort order, its links, and its width in pixels.

    ``url`` is the link for a click, ``add_url`` for a Shift-click. ``width`` is used if the user chose column widths.
    """

    column: Column
    sorted: str  # ascending, descending, or empty
    url: str
    add_url: str = ""
    width: int = 0

    @property
    def icon(self) -> str:
        return SORT_ICONS[self.sorted]
