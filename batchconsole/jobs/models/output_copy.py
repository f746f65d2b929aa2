"""Copies of a job's output, under the id that a program was given before AWS assigned its own."""

from typing import ClassVar

from django.db import models

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.leased import Leased


class OutputCopy(Leased):
    """The copy for one job: its state and progress."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting to be copied"
        DONE = "done", "Copied"
        FAILED = "failed", "Could not be copied"

    job = models.OneToOneField("BatchJob", on_delete=models.CASCADE, related_name="output_copy")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    objects_done = models.PositiveIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    error = models.JSONField(null=True, blank=True, help_text="Code, message and hint of the last failure.")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="output_copy_due", condition=models.Q(due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.job}: {self.get_state_display()}"
