"""Turns: one person's long steps do not keep everybody else waiting.

A step that reads files holds a place of a worker for minutes. While somebody waits who has none, each person has one
such step at a time: a further one does not begin, and one that has begun gives its place back and begins anew later.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

# Until a row whose turn it was not is tried again.
PAUSE = timedelta(seconds=2)
# What is due later than this is waiting for something else than a worker.
SOON = timedelta(minutes=1)


class LongStep(Protocol):
    """A step of rows that have a lease and, in ``created_by``, a person; ``None`` there is one person, the system."""

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
    """Have the rows of *step* take turns."""
    _steps.append(step)


def may_begin(step: LongStep, row: Any) -> bool:
    """Whether *row* may take a place now: its person has none, or nobody without one waits."""
    holders = list(_holders(timezone.now()))
    has_another = any(each.person == row.created_by_id and each[1:] != (_steps.index(step), row.pk) for each in holders)
    return not has_another or not _somebody_waits(holders)


def is_over(step: LongStep, row: Any) -> bool:
    """Whether *row*, which has a place, has to give it up: it is not its person's first, and somebody waits."""
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
