"""Files and batches of programs that speak OpenAI's API. A batch is one or several jobs, shown as one."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.leased import Leased


class OpenAIFile(models.Model):
    """A file that a program uploaded, or the answers of a batch: its name and purpose; the bytes are an S3 object."""

    class Purpose(models.TextChoices):
        BATCH = "batch", "Input of a batch"
        BATCH_OUTPUT = "batch_output", "Answers of a batch"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    file_id = models.CharField(max_length=40, unique=True)
    filename = models.CharField(max_length=255)
    bytes = models.PositiveBigIntegerField()
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.BATCH)
    s3_uri = models.CharField(max_length=1024)
    etag = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "OpenAI file"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["connection", "-id"], name="openai_file_list")]

    def __str__(self) -> str:
        return self.filename


class OpenAIBatch(Leased):
    """One batch: what was asked for, how far it is, and its files. ``state`` is OpenAI's word for its status.

    While it is validated it has no jobs: all of them are created at once.
    """

    class State(models.TextChoices):
        VALIDATING = "validating", "Validating"
        IN_PROGRESS = "in_progress", "In progress"
        CANCELLING = "cancelling", "Cancelling"
        FINALIZING = "finalizing", "Finalizing"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="openai_batches", db_index=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    batch_id = models.CharField(max_length=40, unique=True)
    request_digest = models.CharField(max_length=64, help_text="SHA-256 of the request, to know it again.")
    idempotency_key = models.CharField(max_length=255, blank=True)
    api_key = models.CharField(max_length=20, blank=True, help_text="The key with which it was asked for.")

    endpoint = models.CharField(max_length=40)
    completion_window = models.CharField(max_length=8)
    timeout_hours = models.PositiveSmallIntegerField()
    metadata = models.JSONField(default=dict)
    folder = models.CharField(max_length=600, help_text="The S3 folder of its records and answers.")
    role_arn = models.CharField(max_length=2048)
    input_file_id = models.CharField(max_length=40)
    input_s3_uri = models.CharField(max_length=1024)
    input_etag = models.CharField(max_length=100, blank=True)

    state = models.CharField(max_length=11, choices=State, default=State.VALIDATING)
    failures = models.PositiveIntegerField(default=0, help_text="How often AWS did not let a step be taken.")
    errors = models.JSONField(default=list, help_text="Why it failed, as OpenAI tells it.")
    in_progress_at = models.DateTimeField(null=True)
    cancelling_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    finalizing_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    request_count = models.PositiveBigIntegerField(default=0)
    completed_count = models.PositiveBigIntegerField(default=0)
    failed_count = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    output_file_id = models.CharField(max_length=40, blank=True)
    error_file_id = models.CharField(max_length=40, blank=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = "OpenAI batch"
        verbose_name_plural = "OpenAI batches"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "idempotency_key"],
                name="openai_batch_key",
                condition=~models.Q(idempotency_key=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "-id"], name="openai_batch_list"),
            models.Index(fields=["due_at"], name="openai_batch_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.batch_id

    @property
    def expires_at(self) -> datetime:
        return self.created_at + timedelta(hours=self.timeout_hours)

    @property
    def is_ended(self) -> bool:
        return self.ended_at is not None


class OpenAIBatchJob(models.Model):
    """One of the jobs of a batch: those of its requests that one model answers, in the order of the batch's file."""

    batch = models.ForeignKey(OpenAIBatch, on_delete=models.CASCADE, related_name="parts")
    job = models.OneToOneField(BatchJob, on_delete=models.CASCADE, related_name="openai_part")
    request_count = models.PositiveBigIntegerField()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.batch}: {self.job}"
