"""Stopping many jobs at once, as a record of its own: who asked, for which jobs, and what became of each."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob


class BulkActionQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """What waits for a worker, or whose worker has not been heard of for too long."""
        return self.filter(due_at__lte=now, connection__is_enabled=True)

    def hand_out(self, pk: int, *, due_at: datetime, until: datetime) -> bool:
        """Push the due time of one row on, if nobody else did: true for the one caller that may nudge a worker."""
        return bool(self.filter(pk=pk, due_at=due_at).update(due_at=until))


class BulkAction(models.Model):
    """The stop of many jobs. Its items are written with it, so what comes later and matches is left alone.

    A worker holds the row while it takes a step, by ``held_until``; who was silent for so long has lost it. Once
    somebody has cancelled the rest (``cancelled_at``), a worker can no longer go on holding it, only end it.
    """

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="bulk_actions")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    matched_all = models.BooleanField(default=False, help_text="Asked for all jobs of a filter, not for named ones.")
    query = models.TextField(blank=True, help_text="The filter as the query string of the job list.")
    job_count = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(
        default=0, help_text="Jobs asked for that had ended or were being stopped already; counted up to a bound."
    )
    due_at = models.DateTimeField(
        default=timezone.now, null=True, help_text="When a worker should take it; while held, when another one may."
    )
    held_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="How often in a row AWS could not be asked.")
    cancelled_at = models.DateTimeField(null=True, help_text="When somebody had the jobs that were left left alone.")
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = BulkActionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="bulk_action_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Stop of {self.job_count} job{'' if self.job_count == 1 else 's'}"

    def get_absolute_url(self) -> str:
        return reverse("bulk-action", args=[self.connection.name, self.pk])

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    def counts(self) -> dict[str, int]:
        """How many jobs each outcome has, without those that have none."""
        return self.counts_of([self])[self.pk]

    @classmethod
    def counts_of(cls, actions: Iterable[Self]) -> dict[int, dict[str, int]]:
        """The counts of several actions by their keys, with one query."""
        found: dict[int, dict[str, int]] = {action.pk: {} for action in actions}
        items = BulkActionItem.objects.filter(action__in=found).order_by()
        for pk, outcome, count in items.values_list("action", "outcome").annotate(Count("pk")):
            found[pk][outcome] = count
        return found

    def take(self, *, until: datetime) -> bool:
        """Become the one worker on it; false while another one is."""
        free = Q(held_until=None) | Q(held_until__lte=timezone.now())
        return self._write(free, held_until=until, due_at=until)

    def hold(self, *, until: datetime) -> bool:
        """As its worker, remain so; false when another one took it over, or the rest was cancelled."""
        return self._write(Q(held_until=self.held_until, cancelled_at=None), held_until=until, due_at=until)

    def let_go(self, **fields: Any) -> bool:
        """As its worker, write *fields* and be it no longer; false when another one took it over, or the rest was
        cancelled."""
        return self._write(Q(held_until=self.held_until, cancelled_at=None), held_until=None, **fields)

    def cancel(self, by: Any) -> bool:
        """Have no further job touched, and make it due; false when it has ended or was cancelled already."""
        now = timezone.now()
        return self._write(Q(cancelled_at=None), cancelled_at=now, cancelled_by=by, due_at=now)

    def end_cancelled(self) -> bool:
        """As its worker, end what was cancelled; false when another one took it over, or nobody cancelled it."""
        cancelled = Q(held_until=self.held_until, cancelled_at__isnull=False)
        return self._write(cancelled, held_until=None, due_at=None, finished_at=timezone.now())

    def _write(self, condition: Q, **fields: Any) -> bool:
        written = BulkAction.objects.filter(condition, pk=self.pk, finished_at=None).update(**fields)
        for name, value in fields.items() if written else ():
            setattr(self, name, value)
        return bool(written)


class BulkActionItem(models.Model):
    """One job of a bulk action."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "Waiting"
        STOPPED = "stopped", "Stopped"
        CANCELLED = "cancelled", "Cancelled"
        STOPPING = "stopping", "Was being stopped already"
        ENDED = "ended", "Had already ended"
        FAILED = "failed", "Could not be stopped"
        LEFT = "left", "Left alone"

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items", db_index=False)
    job = models.ForeignKey(BatchJob, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.JSONField(null=True, help_text="Message, hint and code of the last attempt that failed.")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["action", "job"], name="bulk_action_item_unique")]
        indexes: ClassVar = [models.Index(fields=["action", "outcome", "attempts", "id"], name="bulk_action_item")]

    def __str__(self) -> str:
        return f"{self.job}: {self.get_outcome_display()}"

    def decide(self, outcome: str, error: dict[str, Any] | None = None) -> None:
        """Write what became of the job."""
        self.outcome, self.error, self.decided_at = outcome, error, timezone.now()
        self.save(update_fields=["outcome", "error", "decided_at"])
