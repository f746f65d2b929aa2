"""Counts of viewed records."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class RecordView(models.Model):
    """How many records of a job a user viewed on one day (UTC); the audit trail has one event for all of them."""

    job = models.ForeignKey("BatchJob", on_delete=models.CASCADE, related_name="record_views")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "user", "day"], name="record_view_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.count} records of job {self.job_id} on {self.day}"
