"""What an input check found."""

from typing import ClassVar

import msgspec
from django.db import models
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.records.report import Report


class InputCheck(models.Model):
    """What reading every record of one input found. Jobs with the same input, model and limits share it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="input_checks")
    key = models.CharField(max_length=64, help_text="SHA-256 of everything the outcome depends on.")
    created_at = models.DateTimeField(default=timezone.now)
    input_s3_uri = models.CharField(max_length=1024)
    model_id = models.CharField(max_length=2048)
    model_invocation_type = models.CharField(max_length=12)
    record_count = models.PositiveBigIntegerField()
    error_count = models.PositiveBigIntegerField()
    warning_count = models.PositiveBigIntegerField()
    content = models.JSONField(help_text="The whole report, as records/report.py has it.")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "key"], name="input_check_unique")]

    def __str__(self) -> str:
        return self.input_s3_uri

    @property
    def report(self) -> Report:
        return msgspec.convert(self.content, Report)
