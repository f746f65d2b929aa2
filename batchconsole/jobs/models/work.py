"""Work that takes a worker longer than a page may: a row that says who has it, how far it is, and what came of it."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone


class State(models.TextChoices):
    """Where a piece of work stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


UNFINISHED = (State.QUEUED, State.RUNNING)


class WorkQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """What waits for a worker, or whose worker has not been heard of for too long."""
        return self.filter(due_at__lte=now, connection__is_enabled=True)

    def unfinished(self) -> Self:
        return self.filter(state__in=UNFINISHED)

    def hand_out(self, pk: int, *, due_at: datetime, until: datetime) -> bool:
        """Push the due time of one row on, if nobody else did: true for the one caller that may nudge a worker."""
        return bool(self.filter(pk=pk, due_at=due_at).update(due_at=until))


class Work(models.Model):
    """One piece of work on a connection, asked for by a person or a job.

    The row outlives its worker: whoever takes it counts ``attempts`` up, and what an earlier worker still has to say is
    not written any more.
    """

    State = State
    COUNTERS: ClassVar[tuple[str, ...]]  # begin at nought with each attempt

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(
        default=timezone.now, null=True, help_text="When a worker should take it; while running, when another one may."
    )
    seen_at = models.DateTimeField(null=True, help_text="When its worker last said how far it is.")
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker has taken it.")
    error = models.JSONField(null=True, help_text="Message and hint, while it waits or once it has failed.")

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    def is_held(self, lease: timedelta) -> bool:
        """Whether a worker is at it, one heard of less than *lease* ago."""
        return self.state == State.RUNNING and self.seen_at is not None and self.seen_at + lease > timezone.now()

    def take(self, *, until: datetime) -> bool:
        """Become the one worker on it; false when another one was faster."""
        mine = type(self)._default_manager.filter(pk=self.pk, state=self.state, attempts=self.attempts)
        taken = mine.update(
            state=State.RUNNING,
            attempts=F("attempts") + 1,
            seen_at=timezone.now(),
            due_at=until,
            **dict.fromkeys(self.COUNTERS, 0),
        )
        self.refresh_from_db()
        return bool(taken)

    def say(self, **fields: Any) -> bool:
        """As its worker, write *fields*; false when another worker has taken it over."""
        fields["seen_at"] = timezone.now()
        mine = type(self)._default_manager.filter(pk=self.pk, state=State.RUNNING, attempts=self.attempts)
        said = mine.update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
        return bool(said)
