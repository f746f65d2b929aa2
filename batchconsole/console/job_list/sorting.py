"""Sort orders of the job list. Large tables can be sorted only by indexed columns."""

from collections.abc import Iterable, Sequence

from django.db.models import F
from django.db.models.expressions import OrderBy

FIELDS = {
    "name": "job_name",
    "status": "status",
    "model": "base_model_id",
    "type": "model_invocation_type",
    "created": "created_at",
    "submitted": "submit_time",
    "ended": "end_time",
    "by": "created_by__username",
    "records": "total_record_count",
    "errors": "error_record_count",
    "input_tokens": "input_token_count",
    "output_tokens": "output_token_count",
    "cost": "cost_usd",
    "priority": "priority",
}
# Columns that may be null: unknown values come last in either order.
NULLABLE = frozenset(FIELDS) - {"name", "status", "model", "type", "created"}
INDEXED = frozenset({"name", "status", "created"})
# Further sort keys that match the index, so that a page is read without sorting and no row appears twice.
THEN = {"name": ("id",), "status": ("-created_at", "-id"), "created": ("id",)}
DEFAULT = ("-created",)


def read_sort(text: str) -> list[str]:
    """Read the column names from *text* (``status,-created``), without duplicates and unknown names."""
    names = {name.removeprefix("-"): name for name in reversed(text.split(",")) if name.removeprefix("-") in FIELDS}
    return [names[name] for name in reversed(names)]


def usable(names: Iterable[str], *, is_large: bool) -> list[str]:
    """Return *names* without those that would make the database sort a large table."""
    return [name for name in names if not is_large or name.removeprefix("-") in INDEXED]


def order_by(names: Sequence[str]) -> list[str | OrderBy]:
    """Return the arguments for ``order_by()``."""
    names = names or DEFAULT
    last = names[-1]
    rest = THEN.get(last.removeprefix("-"), ("-created_at", "-id"))
    turned = [turn(field) for field in rest] if last.startswith("-") and last.removeprefix("-") in THEN else rest
    return [*map(_ordered, names), *turned]


def _ordered(name: str) -> str | OrderBy:
    column, is_down = name.removeprefix("-"), name.startswith("-")
    field = FIELDS[column]
    if column in NULLABLE:
        return F(field).desc(nulls_last=True) if is_down else F(field).asc(nulls_last=True)
    return turn(field) if is_down else field


def turn(field: str) -> str:
    return field.removeprefix("-") if field.startswith("-") else f"-{field}"
