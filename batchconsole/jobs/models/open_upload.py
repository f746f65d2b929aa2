"""Multipart uploads to S3 that are not finished, so that those of killed processes are aborted."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.leased import Leased


class OpenUpload(Leased):
    """An upload that goes on as long as its parts keep coming; ``due_at`` is when it counts as given up.

    Without ``upload_id`` it is an object whose own row is still to be written.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    bucket = models.CharField(max_length=255)
    key = models.CharField(max_length=1024)
    upload_id = models.CharField(max_length=1024)
    started_at = models.DateTimeField(default=timezone.now)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["connection", "upload_id"], name="open_upload_id"),
            models.Index(fields=["due_at"], name="open_upload_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
