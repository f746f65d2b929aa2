"""The columns of the job list: what each shows, by what it sorts, and which are shown unless a person chose others."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; its cell is the template ``console/columns/<name>.html``, a complete ``td`` or ``th``."""

    name: str
    title: str
    sorts: bool = False  # by its own name, one of sorting.FIELDS
    is_zoned: bool = False  # shows absolute times, so that the header names the zone
    is_numeric: bool = False
    is_default: bool = True

    @property
    def template(self) -> str:
        return f"console/columns/{self.name}.html"


@dataclass(frozen=True)
class Heading:
    """A column as the table's head shows it: how it is sorted now, and where a click and a Shift-click on it lead."""

    column: Column
    sorted: str  # ascending, descending, or empty
    url: str
    add_url: str = ""

    @property
    def icon(self) -> str:
        return {"ascending": "caret-up-filled", "descending": "caret-down-filled"}.get(self.sorted, "caret-down")


COLUMNS = (
    Column(name="name", title="Job name", sorts=True),
    Column(name="status", title="Status", sorts=True),
    Column(name="model", title="Model", sorts=True),
    Column(name="type", title="Invocation type", sorts=True, is_default=False),
    Column(name="progress", title="Progress"),
    Column(name="cost", title="Cost", sorts=True, is_numeric=True),
    Column(name="created", title="Creation time", sorts=True, is_zoned=True),
    Column(name="age", title="Age"),
    Column(name="by", title="Created by", sorts=True),
    Column(name="submitted", title="Submit time", sorts=True, is_zoned=True, is_default=False),
    Column(name="ended", title="End time", sorts=True, is_zoned=True, is_default=False),
    Column(name="duration", title="Duration", is_default=False),
    Column(name="records", title="Records", sorts=True, is_numeric=True, is_default=False),
    Column(name="errors", title="Errors", sorts=True, is_numeric=True, is_default=False),
    Column(name="input_tokens", title="Input tokens", sorts=True, is_numeric=True, is_default=False),
    Column(name="output_tokens", title="Output tokens", sorts=True, is_numeric=True, is_default=False),
    Column(name="tags", title="Tags", is_default=False),
    Column(name="input", title="Input", is_default=False),
    Column(name="output", title="Output", is_default=False),
    Column(name="job_id", title="Job ID", is_default=False),
)
ALWAYS = "name"
DEFAULT = tuple(column.name for column in COLUMNS if column.is_default)


def chosen(names: Iterable[str]) -> list[Column]:
    """The columns of *names* in the table's own order; the name always, the default without any that are known."""
    known = {column.name for column in COLUMNS} & set(names)
    wanted = known | {ALWAYS} if known else set(DEFAULT)
    return [column for column in COLUMNS if column.name in wanted]
