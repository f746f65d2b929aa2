"""The audit trail."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.states import Verb

Actor = User | None  # who asks for something; None is the system itself, which may do what people asked of it


def verb_choices() -> list[tuple[str, str]]:
    """The verbs and their wording; a function, so that a new verb needs no migration."""
    return Verb.choices


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
    verb = models.CharField(max_length=40, choices=verb_choices)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["job", "-at"], name="event_job")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.verb}"
