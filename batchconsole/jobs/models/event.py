"""The audit trail."""

import json
import logging
from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from batchconsole.jobs import origin
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.states import Verb

LOG = logging.getLogger("batchconsole.audit")
Actor = User | None  # who makes a change; None is the system itself, which carries out what users have requested


def verb_choices() -> list[tuple[str, str]]:
    """Return the verbs and their labels; a function, so that a new verb needs no migration."""
    return Verb.choices


class Events(models.QuerySet["Event"]):
    """Rows of the audit trail."""

    def bulk_create(self, objs: Iterable["Event"], *args: Any, **kwargs: Any) -> list["Event"]:
        made = super().bulk_create(objs, *args, **kwargs)
        for event in made:
            event.tell_log()
        return made


class Event(models.Model):
    """Who did what, when, and from where. Rows are only ever added: database triggers refuse changes.

    ``before`` and ``after`` hold the values before and after a change. No field holds a secret.
    """

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
    target = models.CharField(max_length=255, blank=True, help_text="What it was done to, where that is no job.")
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True, default=origin.address)
    session = models.CharField(max_length=12, blank=True, default=origin.session)
    api_key = models.CharField(max_length=20, blank=True, default=origin.api_key)

    objects = Events.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["job", "-at"], name="event_job")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.get_verb_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.tell_log()

    def tell_log(self) -> None:
        """Log the event as a line of JSON after the transaction commits, if ``AUDIT_LOG`` is set."""
        if settings.AUDIT_LOG:
            transaction.on_commit(lambda: LOG.info(json.dumps(self.as_dict(), default=str, ensure_ascii=False)))

    def as_dict(self) -> dict[str, Any]:
        """Return every field of the event, in the format of the log and the export."""
        return {
            "id": self.pk,
            "at": self.at.isoformat(),
            "verb": self.verb,
            "actor": str(self.actor) if self.actor else None,
            "address": self.address,
            "session": self.session,
            "api_key": self.api_key,
            "connection": self.connection.name if self.connection else None,
            "job": self.job_id,
            "target": self.target,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "before": self.before,
            "after": self.after,
            "data": self.data,
        }
