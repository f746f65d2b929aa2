"""An input check: what is read for whom, how far it is, and what was found."""

from datetime import datetime
from typing import Any, ClassVar, Self

import msgspec
from django.conf import settings
from django.db import models
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.records import report as reports
from batchconsole.records.preview import RecordPreview
from batchconsole.records.report import Report


class State(models.TextChoices):
    """Where an input check stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


UNFINISHED = (State.QUEUED, State.RUNNING)


class InputCheckQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """Checks that wait for a worker, or whose worker has not been heard of for too long."""
        return self.filter(due_at__lte=now, connection__is_enabled=True)

    def unfinished(self) -> Self:
        return self.filter(state__in=UNFINISHED)

    def hand_out(self, pk: int, *, due_at: datetime, until: datetime) -> bool:
        """Push the due time of one row on, if nobody else did: true for the one caller that may nudge a worker."""
        return bool(self.filter(pk=pk, due_at=due_at).update(due_at=until))


class InputCheck(models.Model):
    """Every record of one input read for one model and invocation type, asked for from the form or by a job.

    The row outlives the worker that reads: whoever takes it counts ``attempts`` up, and what an earlier worker still
    has to say is not written any more.
    """

    State = State

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="input_checks")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    input_s3_uri = models.CharField(max_length=1024)
    model_id = models.CharField(max_length=2048)
    model_invocation_type = models.CharField(max_length=12)
    fingerprint = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of all the outcome depends on; empty until the objects are listed.",
    )

    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(
        default=timezone.now, null=True, help_text="When a worker should take it; while running, when another one may."
    )
    seen_at = models.DateTimeField(null=True, help_text="When its worker last said how far it is.")
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker has taken it.")
    failures = models.PositiveIntegerField(default=0, help_text="How often AWS did not let it be read.")
    error = models.JSONField(null=True, help_text="AWS's last error, while it waits or once it has failed.")

    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)
    problems = models.PositiveBigIntegerField(default=0)
    # Text and not JSON: prompts may hold U+0000, which PostgreSQL's JSON refuses even when it is written as an escape.
    report_json = models.TextField(blank=True)
    preview_json = models.TextField(blank=True)

    objects = InputCheckQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["connection", "fingerprint", "-finished_at"], name="input_check_reuse"),
            models.Index(fields=["due_at"], name="input_check_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.input_s3_uri

    def get_absolute_url(self) -> str:
        return reverse("input-check", args=[self.connection.name, self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def percent(self) -> int:
        """How much of the bytes is read, rounded down."""
        return self.bytes_done * 100 // self.bytes_total if self.bytes_total else 0

    @property
    def report(self) -> Report | None:
        """What was found; ``None`` until the check is done."""
        return reports.decode(self.report_json) if self.report_json else None

    @property
    def preview(self) -> list[RecordPreview]:
        """The first records as the model will see them; empty until they are read."""
        return msgspec.json.decode(self.preview_json, type=list[RecordPreview]) if self.preview_json else []

    def take(self, *, until: datetime) -> bool:
        """Become the one worker on this check; false when another one was faster."""
        mine = InputCheck.objects.filter(pk=self.pk, state=self.state, attempts=self.attempts)
        taken = mine.update(
            state=State.RUNNING, attempts=F("attempts") + 1, seen_at=timezone.now(), due_at=until, bytes_done=0
        )
        self.refresh_from_db()
        return bool(taken)

    def say(self, **fields: Any) -> bool:
        """As its worker, write *fields*; false when another worker has taken the check over."""
        fields["seen_at"] = timezone.now()
        said = InputCheck.objects.filter(pk=self.pk, state=State.RUNNING, attempts=self.attempts).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
        return bool(said)
