"""Notifications: channels (where to), notices (of what), and deliveries (the outcome for each channel)."""

import secrets
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.leased import Leased
from batchconsole.jobs.occasions import BY_VERB, CHOICES, LABELS, find_occasion
from batchconsole.jobs.signals import nudge

MOST_LOGGED = 20  # attempts that the log of a delivery keeps
COUNTS = ("total_record_count", "processed_record_count", "success_record_count", "error_record_count")


def check_occasions(codes: list[str]) -> None:
    """Raise ValidationError unless *codes* is a list of known occasions."""
    known = [code for code, _ in CHOICES]
    unknown = [each for each in codes if each not in known] if isinstance(codes, list) else [codes]
    if unknown:
        raise ValidationError(f"{', '.join(map(str, unknown))}: choose among {', '.join(known)}.")


def new_channel_uid() -> str:
    return secrets.token_hex(12)


def new_notice_uid() -> str:
    """Return a message id, by which receivers drop duplicates: ``msg_`` and 24 hexadecimal digits."""
    return f"msg_{secrets.token_hex(12)}"


class ChannelQuerySet(models.QuerySet[Any]):
    def lock(self, pk: int) -> Any:
        """Return one channel, locked until the transaction ends. Lock it before the rows of its deliveries."""
        return self.select_for_update(no_key=True).select_related(None).get(pk=pk)

    def for_connection(self, connection_id: int | None) -> Self:
        """Return the channels that may want a notice of the connection: its own, and all personal channels."""
        return self.filter(Q(connection_id=connection_id) | Q(connection=None))


class NotificationChannel(models.Model):
    """An address for notifications. It belongs either to a user or to a connection.

    The address may contain a secret, as a chat webhook's does, so it is stored encrypted
    (``jobs/notifications/sealing.py``), and pages show only ``shown``. The secrets that sign webhooks are derived from
    ``uid`` and ``secret_number`` and are never stored.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        CHAT = "chat", "Chat or on-call service"
        WEBHOOK = "webhook", "Webhook"

    class Scope(models.TextChoices):
        MINE = "mine", "My jobs"
        ALL = "all", "All jobs that I may see"

    uid = models.CharField(max_length=24, unique=True, default=new_channel_uid, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="notification_channels"
    )
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="notification_channels"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=80, help_text="What it is for.")
    sealed_address = models.TextField(blank=True, editable=False, help_text="Empty: the mail address of the account.")
    shown = models.CharField(max_length=255, blank=True, editable=False, help_text="The address without its secrets.")
    occasions = models.JSONField(default=list, validators=[check_occasions], help_text='["job.failed"]')
    scope = models.CharField(max_length=4, choices=Scope, default=Scope.MINE, help_text="Of which jobs a person hears.")
    created_at = models.DateTimeField(default=timezone.now)
    secret_number = models.PositiveIntegerField(default=1, editable=False, help_text="Which secret signs.")
    rotated_at = models.DateTimeField(
        null=True, editable=False, help_text="When the secret was changed; the one before signs too for a day."
    )

    # The circuit breaker.
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Failed attempts in a row.")
    failing_since = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False, help_text="Nothing is sent before; then one is tried.")
    paused_at = models.DateTimeField(null=True, editable=False)
    pause_reason = models.TextField(blank=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user__isnull=False) ^ Q(connection__isnull=False), name="channel_person_or_connection"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def occasion_labels(self) -> list[str]:
        return [LABELS.get(code, code) for code in self.occasions]


class OutboxQuerySet(models.QuerySet[Any]):
    def enabled(self) -> Self:
        """Return every row: what happened on a connection that is now disabled is still reported."""
        return self.all()


class Notice(Leased):
    """Something that happened, written in the same transaction. Its step finds the channels to notify."""

    uid = models.CharField(max_length=30, unique=True, default=new_notice_uid, editable=False)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey("BatchJob", null=True, on_delete=models.CASCADE, related_name="notices")
    occasion = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict, help_text="What is told: names, states and counts as they were.")

    objects = OutboxQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="notice_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["created_at"], name="notice_created"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.data.get('job_name', self.uid)}"

    @property
    def label(self) -> str:
        return LABELS.get(self.occasion, self.occasion)

    @classmethod
    def write(cls, occasion: str, *, connection_id: int, job_id: int | None = None, data: dict[str, Any]) -> None:
        """Write a notice if any channel may want *occasion*; call it inside the transaction of the change."""
        if NotificationChannel.objects.for_connection(connection_id).exists():
            notice = cls.objects.create(connection_id=connection_id, job_id=job_id, occasion=occasion, data=data)
            nudge("announce", notice.pk)

    @classmethod
    def write_step(cls, job: Any) -> None:
        """Write a notice of the state that *job* has entered, if that state is an occasion."""
        cls._write_of(job, find_occasion(job.status, has_errors=job.has_errors))

    @classmethod
    def write_deed(cls, job: Any, verb: str) -> None:
        """Write a notice of the action *verb* on *job*, if that is an occasion."""
        cls._write_of(job, BY_VERB.get(verb, ""))

    @classmethod
    def _write_of(cls, job: Any, occasion: str) -> None:
        if occasion:
            cls.write(occasion, connection_id=job.connection_id, job_id=job.pk, data=facts_of(job))


def facts_of(job: Any) -> dict[str, Any]:
    """Return all that a message may say about *job*: its name, state and counts; no prompts, answers or people."""
    counts = {name: getattr(job, name) for name in COUNTS if getattr(job, name) is not None}
    return {"job_name": job.job_name, "status": str(job.status), **counts}


class Delivery(Leased):
    """One notice for one channel: the outcome of each attempt, and when the next one is due."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not sent"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    channel = models.ForeignKey(NotificationChannel, on_delete=models.CASCADE, related_name="deliveries")
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    message = models.TextField(blank=True, help_text="What the last attempt came to.")
    log = models.JSONField(default=list, help_text="The last attempts: when, how long, and what they came to.")

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["notice", "channel"], name="delivery_unique")]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="delivery_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state"], name="delivery_state"),
        ]

    def __str__(self) -> str:
        return f"{self.notice} to {self.channel}"

    @property
    def is_test(self) -> bool:
        return self.notice.occasion == "test"

    def logged(self, at: datetime, *, seconds: float, message: str) -> dict[str, Any]:
        """Return the columns to update after one more attempt."""
        entry = {"at": at.isoformat(), "seconds": round(seconds, 2), "message": message}
        return {"attempts": self.attempts + 1, "message": message, "log": [*self.log, entry][-MOST_LOGGED:]}
