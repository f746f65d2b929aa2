"""Work that takes longer than a page request: rows with the worker's lease, the progress, and the outcome."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.leased import Leased


class State(models.TextChoices):
    """The state of a piece of work."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (State.QUEUED, State.RUNNING)
QUEUED = {"state": State.QUEUED}  # fields of work that waits for a worker


class WorkQuerySet(LeasedQuerySet):
    def unfinished(self) -> Self:
        return self.filter(state__in=UNFINISHED)


class Work(Leased):
    """One piece of work on a connection, requested by a user or a job. The row outlives its worker."""

    State = State
    connection: models.ForeignKey[Connection]

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    finished_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="How often AWS did not let it be done.")
    error = models.JSONField(null=True, help_text="Message and hint, while it waits or once it has failed.")

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    def cancel(self) -> bool:
        """Cancel the work; return False if it has ended. A worker on it stops when it next saves its progress."""
        changes = {"state": State.CANCELLED, "due_at": None, "lease": "", "finished_at": timezone.now(), "error": None}
        unfinished = type(self)._base_manager.filter(pk=self.pk, state__in=UNFINISHED)
        is_mine = bool(unfinished.update(**changes))
        self.refresh_from_db()
        return is_mine


class WithMedia(models.Model):
    """Work that copies the media of its records: what is to be copied, and how many copies there are."""

    media_objects = models.PositiveBigIntegerField(default=0, help_text="Copies to make of media in S3.")
    media_bytes = models.PositiveBigIntegerField(default=0, help_text="Their size.")
    media_done = models.PositiveBigIntegerField(default=0, help_text="Copies that exist.")

    class Meta:
        abstract = True
