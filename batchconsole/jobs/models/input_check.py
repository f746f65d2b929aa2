"""Input checks: what to read and for whom, the progress, and the findings."""

from typing import ClassVar

import msgspec
from django.db import models
from django.urls import reverse

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.work import Work
from batchconsole.records import report as reports
from batchconsole.records.preview import RecordPreview
from batchconsole.records.report import Report


class InputCheck(Work):
    """A check of every record of one input for one model and invocation type, requested in the form or by a job."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="input_checks")
    input_s3_uri = models.CharField(max_length=1024)
    model_id = models.CharField(max_length=2048)
    model_invocation_type = models.CharField(max_length=12)
    fingerprint = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of all the outcome depends on; empty until the objects are listed.",
    )

    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)
    problems = models.PositiveBigIntegerField(default=0)
    usd_at_most = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, help_text="What a job of this input costs at most, where known."
    )
    # Text instead of JSON: prompts may hold U+0000, which PostgreSQL's JSON refuses even when it is escaped.
    report_json = models.TextField(blank=True)
    preview_json = models.TextField(blank=True)

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
    def percent(self) -> int:
        """The percentage of bytes read, rounded down."""
        return self.bytes_done * 100 // self.bytes_total if self.bytes_total else 0

    @property
    def report(self) -> Report | None:
        """The findings; ``None`` until the check is done."""
        return reports.decode(self.report_json) if self.report_json else None

    @property
    def preview(self) -> list[RecordPreview]:
        """The first records as the model will receive them; empty until they have been read."""
        return msgspec.json.decode(self.preview_json, type=list[RecordPreview]) if self.preview_json else []
