"""Input being made by a worker: of what, how, where to, and how far it is."""

from datetime import datetime
from typing import Any, ClassVar, Self

import msgspec
from django.conf import settings
from django.db import models
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.input_check import UNFINISHED, State
from batchconsole.jobs.models.job import BatchJob
from batchconsole.records.bodies import SHAPES
from batchconsole.records.making import Recipe


class MadeInputQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """What waits for a worker, or whose worker has not been heard of for too long."""
        return self.filter(due_at__lte=now, connection__is_enabled=True)

    def hand_out(self, pk: int, *, due_at: datetime, until: datetime) -> bool:
        """Push the due time of one row on, if nobody else did: true for the one caller that may nudge a worker."""
        return bool(self.filter(pk=pk, due_at=due_at).update(due_at=until))


class MadeInput(models.Model):
    """One file of batch records made of a source too large to be read while somebody waits for the page.

    The row outlives the worker: whoever takes it counts ``attempts`` up, and what an earlier worker still has to say is
    not written any more. The object in S3 is there whole or not at all.
    """

    State = State

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="made_inputs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    source_name = models.CharField(max_length=1024)
    source_size = models.PositiveBigIntegerField(help_text="Bytes.")
    upload = models.CharField(max_length=32, blank=True, help_text="The token of an uploaded file.")
    source_s3_uri = models.CharField(max_length=1024, blank=True, help_text="The object, when it is not an upload.")
    source_etag = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=7, blank=True)
    is_foreign = models.BooleanField(default=False, help_text="Lines of another provider's batch, to be converted.")
    recipe_json = models.TextField(blank=True, help_text="The prompt template and the settings.")
    resend_of = models.ForeignKey(
        BatchJob,
        null=True,
        on_delete=models.CASCADE,
        related_name="made_inputs",
        help_text="The job whose records are sent again; then there is no other source.",
    )
    resends_failed = models.BooleanField(default=False)
    resends_unanswered = models.BooleanField(default=False)
    resends_at_least = models.PositiveIntegerField(default=0, help_text="Answered ones fill up to so many records.")
    output_s3_uri = models.CharField(max_length=1024)

    state = models.CharField(max_length=7, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(
        default=timezone.now, null=True, help_text="When a worker should take it; while running, when another one may."
    )
    seen_at = models.DateTimeField(null=True, help_text="When its worker last said how far it is.")
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker has taken it.")
    error = models.JSONField(null=True, help_text="Message and hint, while it waits or once it has failed.")
    bytes_read = models.PositiveBigIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)

    objects = MadeInputQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="made_input_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.output_s3_uri

    def get_absolute_url(self) -> str:
        return reverse("input-made", args=[self.connection.name, self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def recipe(self) -> Recipe:
        return msgspec.json.decode(self.recipe_json, type=Recipe)

    @property
    def model_invocation_type(self) -> str:
        """What a job with these records has to say."""
        if self.resend_of:
            return str(self.resend_of.model_invocation_type)
        return SHAPES[self.recipe.shape].invocation_type

    @property
    def form_fields(self) -> dict[str, Any]:
        """What to open the create form with, as its query string."""
        resent = {"clone": self.resend_of_id, "resend_of": self.resend_of_id} if self.resend_of_id else {}
        return resent | {
            "input_s3_uri": self.output_s3_uri,
            "model_invocation_type": self.model_invocation_type,
        }

    @property
    def percent(self) -> int:
        """How much of the source is read, rounded down; a Parquet file may be read in part twice."""
        return min(99, self.bytes_read * 100 // self.source_size) if self.source_size else 0

    def take(self, *, until: datetime) -> bool:
        """Become the one worker on it; false when another one was faster."""
        mine = MadeInput.objects.filter(pk=self.pk, state=self.state, attempts=self.attempts)
        taken = mine.update(
            state=State.RUNNING,
            attempts=F("attempts") + 1,
            seen_at=timezone.now(),
            due_at=until,
            bytes_read=0,
            records=0,
        )
        self.refresh_from_db()
        return bool(taken)

    def say(self, **fields: Any) -> bool:
        """As its worker, write *fields*; false when another worker has taken it over."""
        fields["seen_at"] = timezone.now()
        said = MadeInput.objects.filter(pk=self.pk, state=State.RUNNING, attempts=self.attempts).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
        return bool(said)
