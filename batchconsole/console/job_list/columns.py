"""The columns of the job list: what each shows, whether it can be sorted, and whether it is shown by default."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchconsole.console.kit.columns import Column


@dataclass(frozen=True, kw_only=True)
class JobColumn(Column):
    """A column of the job list, sorted by its entry in ``sorting.FIELDS``. Its template renders a ``td`` or ``th``."""

    is_default: bool = True
    width: int = 140  # in pixels: used if only other columns have a chosen width

    @property
    def template(self) -> str:
        return f"console/job_list/columns/{self.name}.html"


COLUMNS = (
    JobColumn(name="name", title="Job name", sorts=True, width=240),
    JobColumn(name="status", title="Status", sorts=True, width=180),
    JobColumn(name="model", title="Model", sorts=True, width=160),
    JobColumn(name="type", title="Invocation type", sorts=True, is_default=False),
    JobColumn(name="progress", title="Progress", width=170),
    JobColumn(name="cost", title="Cost", sorts=True, is_numeric=True, width=100),
    JobColumn(name="created", title="Creation time", sorts=True, is_zoned=True, width=160),
    JobColumn(name="age", title="Age", is_default=False, width=90),
    JobColumn(name="ended_ago", title="Ended", width=100),
    JobColumn(name="by", title="Created by", sorts=True),
    JobColumn(name="submitted", title="Submit time", sorts=True, is_zoned=True, is_default=False, width=160),
    JobColumn(name="ended", title="End time", sorts=True, is_zoned=True, is_default=False, width=160),
    JobColumn(name="duration", title="Duration", is_default=False),
    JobColumn(name="records", title="Records", sorts=True, is_numeric=True, is_default=False),
    JobColumn(name="errors", title="Errors", sorts=True, is_numeric=True, is_default=False),
    JobColumn(name="input_tokens", title="Input tokens", sorts=True, is_numeric=True, is_default=False),
    JobColumn(name="output_tokens", title="Output tokens", sorts=True, is_numeric=True, is_default=False),
    JobColumn(name="priority", title="Priority", sorts=True, is_numeric=True, is_default=False, width=100),
    JobColumn(name="start_at", title="Start at", is_zoned=True, is_default=False, width=160),
    JobColumn(name="tags", title="Tags", is_default=False, width=220),
    JobColumn(name="input", title="Input", is_default=False, width=260),
    JobColumn(name="output", title="Output", is_default=False, width=260),
    JobColumn(name="job_id", title="Job ID", is_default=False),
)
ALWAYS = "name"
DEFAULT = tuple(column.name for column in COLUMNS if column.is_default)
BY_NAME = {column.name: column for column in COLUMNS}


def chosen(names: Iterable[str]) -> list[JobColumn]:
    """Return the columns of *names* in that order, always with the job name; without known names, the defaults."""
    known = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    if not known:
        return [BY_NAME[name] for name in DEFAULT]
    return known if BY_NAME[ALWAYS] in known else [BY_NAME[ALWAYS], *known]


def arranged(names: Iterable[str]) -> list[JobColumn]:
    """Return all columns: those of *names* in that order, each other one after its default predecessor."""
    order = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    for before, column in zip((None, *COLUMNS), COLUMNS, strict=False):
        if column not in order:
            order.insert(order.index(before) + 1 if before else 0, column)
    return order


def moved(order: Sequence[JobColumn], name: str, step: int) -> list[JobColumn]:
    """Return *order* with the column *name* moved by *step* places; a negative *step* moves it towards the start."""
    names = [column.name for column in order]
    place = max(0, names.index(name) + step)
    rest = [column for column in order if column.name != name]
    return [*rest[:place], BY_NAME[name], *rest[place:]]
