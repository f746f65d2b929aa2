"""Notes that people leave on jobs."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob

LONGEST_NOTE = 2000  # characters


class JobNote(models.Model):
    """One note on a job. Its text never changes: the author removes it and writes another one."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="notes", db_index=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(max_length=LONGEST_NOTE)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["job", "-id"], name="job_note")]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def connection(self) -> Connection:
        return self.job.connection
