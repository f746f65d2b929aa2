"""The columns of the job list: what each shows, whether it sorts, and which are shown by default."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; its cell is the template ``console/columns/<name>.html``, a complete ``td`` or ``th``."""

    name: str
    title: str
    sort: str = ""  # a name of the sort parameter, empty when the column does not sort
    is_zoned: bool = False  # shows absolute times, so that the header names the zone
    is_default: bool = True

    @property
    def template(self) -> str:
        return f"console/columns/{self.name}.html"


@dataclass(frozen=True)
class Heading:
    """A column as the table's head shows it: how it is sorted now and where a click on it leads."""

    column: Column
    sorted: str  # ascending, descending, or empty
    url: str

    @property
    def icon(self) -> str:
        return {"ascending": "caret-up-filled", "descending": "caret-down-filled"}.get(self.sorted, "caret-down")


COLUMNS = (
    Column(name="name", title="Job name", sort="name"),
    Column(name="status", title="Status", sort="status"),
    Column(name="model", title="Model", sort="model"),
    Column(name="type", title="Invocation type", sort="type"),
    Column(name="progress", title="Progress"),
    Column(name="created", title="Creation time", sort="created", is_zoned=True),
    Column(name="age", title="Age"),
    Column(name="by", title="Created by", sort="by"),
)
