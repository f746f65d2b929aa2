"""Turns: one user's long steps do not keep everyone else waiting.

A step that reads files occupies a worker for minutes. While a user who has no such step running waits, every other user
is limited to one: a further one does not begin, and one that is running gives up its worker and starts over later.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

# When to try a row again that had to wait for its turn.
PAUSE = timedelta(seconds=2)
# A row that is due later than this waits for something other than a worker.
SOON = timedelta(minutes=1)


class LongStep(Protocol):
    """A step of rows with a lease and a user in ``created_by``; all rows with ``None`` there belong to the system."""

    where: Q

    @property
    def model(self) -> type[Model]: ...


class Holder(NamedTuple):
    """A row that a worker holds."""

    person: int | None
    step: int
    pk: int


_steps: list[LongStep] = []


def declare(step: LongStep) -> None:
    """Make the rows of *step* take turns."""
    _steps.append(step)


def may_begin(step: LongStep, row: Any) -> bool:
    """Whether *row* may start now: its user has no other running step, or no user without one waits."""
    holders = list(_holders(timezone.now()))
    has_another = any(each.person == row.created_by_id and each[1:] != (_steps.index(step), row.pk) for each in holders)
    return not has_another or not _somebody_waits(holders)


def is_over(step: LongStep, row: Any) -> bool:
    """Whether a running *row* must give up its worker: it is not its user's first, and a user without one waits."""
    holders = list(_holders(timezone.now()))
    first = min((each for each in holders if each.person == row.created_by_id), default=None, key=lambda each: each[1:])
    return first is not None and first[1:] != (_steps.index(step), row.pk) and _somebody_waits(holders)


def _holders(now: datetime) -> Iterator[Holder]:
    for number, step in enumerate(_steps):
        held = _rows(step).filter(due_at__gt=now).exclude(lease="")
        for person, pk in held.values_list("created_by", "pk"):
            yield Holder(person, number, pk)


def _somebody_waits(holders: list[Holder]) -> bool:
    served = {each.person for each in holders}
    others = ~Q(created_by__in=served - {None})
    if None in served:
        others &= Q(created_by__isnull=False)
    soon = timezone.now() + SOON
    return any(_rows(step).filter(others, lease="", due_at__lte=soon).exists() for step in _steps)


def _rows(step: LongStep) -> QuerySet[Any]:
    return step.model._base_manager.filter(step.where, connection__is_enabled=True).order_by()
