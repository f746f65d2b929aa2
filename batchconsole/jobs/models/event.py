"""The audit trail."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.states import Verb


class Event(models.Model):
    """Who did what, when. Rows are added and never changed or deleted."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT, related_name="events")
    job = models.ForeignKey("BatchJob", null=True, on_delete=models.PROTECT, related_name="events")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the system itself.",
    )
    verb = models.CharField(max_length=40, choices=Verb)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["job", "-at"], name="event_job")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.verb}"
