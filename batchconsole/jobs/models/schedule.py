"""Schedules: jobs that the console creates itself, at the times of a cron rule or for each new file of a folder."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.leased import Leased
from batchconsole.jobs.repeating.cron_rules import CronRule

TITLE_LENGTH = 80


class Schedule(Leased):
    """A job's definition, and when a job is made of it: at the times of a rule, or for each new file of a folder.

    Its jobs are made in the name of ``created_by``, with the rights that this person has at the time. Name and
    locations in ``definition`` may hold placeholders (``jobs/repeating/placeholders.py``).
    """

    class Kind(models.TextChoices):
        RULE = "rule", "At times"
        FOLDER = "folder", "For each new file"

    class Missed(models.TextChoices):
        LATEST = "latest", "Run once, for the latest"
        EACH = "each", "Run each, up to 24"
        SKIP = "skip", "Skip them"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="schedules")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    request_token = models.CharField(max_length=32, blank=True, editable=False)
    title = models.CharField(max_length=TITLE_LENGTH)
    kind = models.CharField(max_length=6, choices=Kind)
    definition = models.JSONField(default=dict, help_text="The request of its jobs, by field name.")
    check_input = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    stop_reason = models.TextField(blank=True, help_text="Why the console has stopped it.")
    failures = models.PositiveIntegerField(default=0, help_text="How often in a row AWS did not let it run.")
    error = models.JSONField(null=True, help_text="Message and hint of the last failure.")
    next_at = models.DateTimeField(null=True, help_text="When it runs or looks next, as planned.")

    # By rule.
    rule = models.CharField(max_length=100, blank=True, help_text="Minute, hour, day, month, weekday.")
    zone = models.CharField(max_length=64, default="UTC")
    missed = models.CharField(max_length=6, choices=Missed, default=Missed.LATEST)
    handled_until = models.DateTimeField(default=timezone.now, help_text="Planned times up to this one are done with.")

    # By folder.
    folder_s3_uri = models.CharField(max_length=1024, blank=True)
    interval_minutes = models.PositiveIntegerField(default=5)
    stable_seconds = models.PositiveIntegerField(default=60, help_text="How long a file must stay unchanged.")
    min_records = models.PositiveIntegerField(null=True, help_text="Files with fewer are skipped.")
    takes_overwritten = models.BooleanField(default=False, help_text="A file with new content counts as a new file.")
    files_since = models.DateTimeField(null=True, help_text="Files last modified before are left alone.")
    listing_token = models.TextField(blank=True, editable=False, help_text="Where the listing goes on.")
    looked_at = models.DateTimeField(null=True, help_text="When the folder was last listed to its end.")

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["title", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "request_token"],
                name="schedule_request_token",
                condition=~Q(request_token=""),
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="schedule_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("schedule-detail", args=[self.connection.name, self.pk])

    @property
    def is_by_rule(self) -> bool:
        return self.kind == self.Kind.RULE

    @property
    def request(self) -> JobRequest:
        """The request of its jobs, with placeholders."""
        return JobRequest.from_fields(self.definition)

    @property
    def cron_rule(self) -> CronRule:
        return CronRule(self.rule, self.zone)

    @property
    def tzinfo(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def in_words(self) -> str:
        """When it makes jobs, in words."""
        if self.is_by_rule:
            return f"{self.cron_rule.in_words()} ({self.zone})"
        return f"For each new .jsonl file in {self.folder_s3_uri}"


class ScheduleRun(models.Model):
    """One planned run of a schedule and what came of it; written in the transaction that creates the job."""

    class Outcome(models.TextChoices):
        CREATED = "created", "Job created"
        FAILED = "failed", "No job"
        SKIPPED = "skipped", "Skipped"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    planned_at = models.DateTimeField()
    by_hand = models.BooleanField(default=False)
    request_token = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=7, choices=Outcome)
    reason = models.TextField(blank=True)
    job = models.ForeignKey(BatchJob, null=True, on_delete=models.SET_NULL, related_name="schedule_runs")

    class Meta:
        ordering: ClassVar = ["-planned_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "planned_at"], name="schedule_run_once", condition=Q(by_hand=False)
            ),
            models.UniqueConstraint(
                fields=["schedule", "request_token"], name="schedule_run_by_hand", condition=~Q(request_token="")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["schedule", "-planned_at", "-id"], name="schedule_run_list"),
            models.Index(fields=["created_at"], name="schedule_run_age"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.planned_at:%Y-%m-%d %H:%M}"


class WatchedFile(models.Model):
    """One version of a file in a watched folder, and its fate."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CHECKED = "checked", "Checked"
        SUBMITTED = "submitted", "Job created"
        SKIPPED = "skipped", "Skipped"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="files", db_index=False)
    s3_uri = models.CharField(max_length=1100)
    etag = models.CharField(max_length=80)
    size = models.PositiveBigIntegerField()
    modified_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, help_text="When this content was first seen.")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    job = models.ForeignKey(BatchJob, null=True, on_delete=models.SET_NULL, related_name="watched_files")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "s3_uri", "etag"], name="watched_file_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["schedule", "state", "id"], name="watched_file_state"),
            models.Index(fields=["decided_at"], name="watched_file_age", condition=Q(decided_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.s3_uri

    @property
    def name(self) -> str:
        return self.s3_uri.rpartition("/")[2]

    @property
    def path(self) -> str:
        """Its path within the watched folder; the whole URI if the schedule watched another folder then."""
        return self.s3_uri.removeprefix(f"{self.schedule.folder_s3_uri.rstrip('/')}/")

    def decide(self, state: str, **fields: Any) -> bool:
        """Write the fate of a file whose fate is open; return False if somebody else was faster."""
        decided = None if state == self.State.CHECKED else timezone.now()
        open_ = type(self)._base_manager.filter(pk=self.pk, state=self.state)
        return bool(open_.update(state=state, decided_at=decided, **fields))
