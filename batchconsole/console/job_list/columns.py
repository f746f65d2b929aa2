"""The columns of the job list: what each shows, by what it sorts, and which are shown unless a person chose others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchconsole.console.kit.columns import Column


@dataclass(frozen=True, kw_only=True)
class JobColumn(Column):
    """A column of jobs, sorted by its name in sorting.FIELDS. Its cell is a template: a whole ``td`` or ``th``."""

    is_default: bool = True
    width: int = 140  # pixels, where other columns have a width of their own and it has none

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
    """The columns of *names* in their order; the name always, the default without any that are known."""
    known = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    if not known:
        return [BY_NAME[name] for name in DEFAULT]
    return known if BY_NAME[ALWAYS] in known else [BY_NAME[ALWAYS], *known]


def arranged(names: Iterable[str]) -> list[JobColumn]:
    """All columns: those of *names* in their order, each other one after the one it follows unless it was moved."""
    order = [BY_NAME[name] for name in dict.fromkeys(names) if name in BY_NAME]
    for before, column in zip((None, *COLUMNS), COLUMNS, strict=False):
        if column not in order:
            order.insert(order.index(before) + 1 if before else 0, column)
    return order


def moved(order: Sequence[JobColumn], name: str, step: int) -> list[JobColumn]:
    """*order* with the column *name* so many places further; backwards with a negative *step*, never past an end."""
    names = [column.name for column in order]
    place = max(0, names.index(name) + step)
    rest = [column for column in order if column.name != name]
    return [*rest[:place], BY_NAME[name], *rest[place:]]
