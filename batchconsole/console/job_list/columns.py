"""The columns of the job list: what each shows, by what it sorts, and which are shown unless a person chose others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SORT_ICONS = {"ascending": "caret-up-filled", "descending": "caret-down-filled", "": "caret-down"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; its cell is the template ``console/columns/<name>.html``, a complete ``td`` or ``th``."""

    name: str
    title: str
    sorts: bool = False  # by its own name, one of sorting.FIELDS
    is_zoned: bool = False  # shows absolute times, so that the header names the zone
    is_numeric: bool = False
    is_default: bool = True
    width: int = 140  # pixels, where other columns have a width of their own and it has none

    @property
    def template(self) -> str:
        return f"console/columns/{self.name}.html"


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


COLUMNS = (
    Column(name="name", title="Job name", sorts=True, width=240),
    Column(name="status", title="Status", sorts=True, width=180),
    Column(name="model", title="Model", sorts=True, width=160),
    Column(name="type", title="Invocation type", sorts=True, is_default=False),
    Column(name="progress", title="Progress", width=170),
    Column(name="cost", title="Cost", sorts=True, is_numeric=True, width=100),
    Column(name="created", title="Creation time", sorts=True, is_zoned=True, width=160),
    Column(name="age", title="Age", width=90),
    Column(name="ended_ago", title="Ended", width=100),
    Column(name="by", title="Created by", sorts=True),
    Column(name="submitted", title="Submit time", sorts=True, is_zoned=True, is_default=False, width=160),
    Column(name="ended", title="End time", sorts=True, is_zoned=True, is_default=False, width=160),
    Column(name="duration", title="Duration", is_default=False),
    Column(name="records", title="Records", sorts=True, is_numeric=True, is_default=False),
    Column(name="errors", title="Errors", sorts=True, is_numeric=True, is_default=False),
    Column(name="input_tokens", title="Input tokens", sorts=True, is_numeric=True, is_default=False),
    Column(name="output_tokens", title="Output tokens", sorts=True, is_numeric=True, is_default=False),
    Column(name="tags", title="Tags", is_default=False, width=220),
    Column(name="input", title="Input", is_default=False, width=260),
    Column(name="output", title="Output", is_default=False, width=260),
    Column(name="job_id", title="Job ID", is_default=False),
)
ALWAYS = "name"
DEFAULT = tuple(column.name for column in COLUMNS if column.is_default)
BY_NAME = {column.name: column for column in COLUMNS}


def chosen(names: Iterable[str]) -> list[Column]:
    """The columns of *names* in their order; the name always, the default without any that are known."""
    known = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    if not known:
        return [BY_NAME[name] for name in DEFAULT]
    return known if BY_NAME[ALWAYS] in known else [BY_NAME[ALWAYS], *known]


def arranged(names: Iterable[str]) -> list[Column]:
    """All columns: those of *names* in their order, each other one after the one it follows unless it was moved."""
    order = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    for before, column in zip((None, *COLUMNS), COLUMNS, strict=False):
        if column not in order:
            order.insert(order.index(before) + 1 if before else 0, column)
    return order


def moved(order: Sequence[Column], name: str, step: int) -> list[Column]:
    """*order* with the column *name* so many places further; backwards with a negative *step*, never past an end."""
    names = [column.name for column in order]
    place = max(0, names.index(name) + step)
    rest = [column for column in order if column.name != name]
    return [*rest[:place], BY_NAME[name], *rest[place:]]
