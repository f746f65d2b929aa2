"""Bulk actions: who asked to stop, hold, tag or clone which jobs, and the outcome for each job."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob, new_client_request_token
from batchconsole.jobs.models.leased import Leased


class BulkAction(Leased):
    """One action on many jobs. Its items are created with it, so jobs that match later are not included.

    After somebody cancels the remaining jobs (``cancelled_at``), the only step left is to finish the action.
    """

    class Kind(models.TextChoices):
        STOP = "stop", "Stop"
        HOLD = "hold", "Hold"
        UNHOLD = "unhold", "Release"
        ARCHIVE = "archive", "Archive"
        UNARCHIVE = "unarchive", "Bring back"
        TAG = "tag", "Change tags"
        CLONE = "clone", "Clone"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="bulk_actions")
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.STOP)
    comment = models.CharField(max_length=500, blank=True, help_text="Why, in the words of who asked for it.")
    parameters = models.JSONField(
        default=dict,
        help_text="What to do with each job, where the kind does not say it: the tags to set and to remove.",
    )
    seed = models.CharField(
        max_length=32, default=new_client_request_token, help_text="The request tokens of clones derive from it."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    matched_all = models.BooleanField(default=False, help_text="Asked for all jobs of a filter, not for named ones.")
    query = models.TextField(blank=True, help_text="The filter as the query string of the job list.")
    job_count = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(
        default=0, help_text="Jobs asked for that had ended or were being stopped already; counted up to a bound."
    )
    request_token = models.CharField(
        max_length=32, blank=True, help_text="The form it was asked for by; sent twice, it makes one."
    )
    failures = models.PositiveIntegerField(default=0, help_text="How often in a row AWS could not be asked.")
    cancelled_at = models.DateTimeField(null=True, help_text="When somebody skipped the remaining jobs.")
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "request_token"],
                name="bulk_action_request_token",
                condition=~models.Q(request_token=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="bulk_action_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        what = "Tag change" if self.kind == self.Kind.TAG else self.get_kind_display()
        return f"{what} of {self.job_count} job{'' if self.job_count == 1 else 's'}"

    def get_absolute_url(self) -> str:
        return reverse("bulk-action", args=[self.connection.name, self.pk])

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    def counts(self) -> dict[str, int]:
        """Return the number of jobs by outcome, without outcomes that no job has."""
        return self.counts_of([self])[self.pk]

    @classmethod
    def counts_of(cls, actions: Iterable[Self]) -> dict[int, dict[str, int]]:
        """Return the counts of several actions by primary key, with one query."""
        found: dict[int, dict[str, int]] = {action.pk: {} for action in actions}
        items = BulkActionItem.objects.filter(action__in=found).order_by()
        for pk, outcome, count in items.values_list("action", "outcome").annotate(Count("pk")):
            found[pk][outcome] = count
        return found

    def cancel(self, by: Any) -> bool:
        """Leave the remaining jobs alone. Return False if the action has finished or was cancelled already."""
        going = BulkAction.objects.filter(pk=self.pk, finished_at=None, cancelled_at=None)
        cancelled = going.update(cancelled_at=timezone.now(), cancelled_by=by)
        self.refresh_from_db()
        return bool(cancelled)


class BulkActionItem(models.Model):
    """One job of a bulk action."""

    class Outcome(models.TextChoices):
        PENDING = "pending", "Waiting"
        STOPPED = "stopped", "Stopped"
        CANCELLED = "cancelled", "Cancelled"
        STOPPING = "stopping", "Was being stopped already"
        ENDED = "ended", "Had already ended"
        HELD = "held", "Held"
        RELEASED = "released", "Released"
        ARCHIVED = "archived", "Archived"
        RESTORED = "restored", "Brought back"
        TAGGED = "tagged", "Tags changed"
        CLONED = "cloned", "Cloned"
        UNCHANGED = "unchanged", "Nothing to change"
        FAILED = "failed", "Failed"
        LEFT = "left", "Left alone"

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items", db_index=False)
    job = models.ForeignKey(BatchJob, on_delete=models.PROTECT, related_name="+")
    made = models.ForeignKey(
        BatchJob,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The clone of the job.",
    )
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.JSONField(null=True, help_text="Message, hint and code of the last attempt that failed.")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "job of a bulk action"
        verbose_name_plural = "jobs of bulk actions"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["action", "job"], name="bulk_action_item_unique")]
        indexes: ClassVar = [models.Index(fields=["action", "outcome", "attempts", "id"], name="bulk_action_item")]

    def __str__(self) -> str:
        return f"{self.job}: {self.get_outcome_display()}"

    def decide(self, outcome: str, error: dict[str, Any] | None = None) -> None:
        """Save the outcome for the job, and its clone if one was made."""
        self.outcome, self.error, self.decided_at = outcome, error, timezone.now()
        self.save(update_fields=["outcome", "error", "decided_at", "made"])
