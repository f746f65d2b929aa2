"""One batch inference job."""

import secrets
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest, members
from batchconsole.jobs.ending import UNREAD, columns_of_end, follow_end
from batchconsole.jobs.errors import IllegalTransition
from batchconsole.jobs.finding.durations import Seconds
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.event import Actor, Event
from batchconsole.jobs.models.input_check import InputCheck
from batchconsole.jobs.models.lane import Laned
from batchconsole.jobs.models.leased import Leased
from batchconsole.jobs.models.limit import base_model_id
from batchconsole.jobs.models.notification import Notice
from batchconsole.jobs.models.output_copy import OutputCopy
from batchconsole.jobs.record_errors import NO_FEWER_ERRORS
from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import ENDED, IN_QUEUE, LIVE, NEVER_SENT, NEXT, Status

NEWEST = ("-created_at", "-id")
COUNTED = ("input_token_count", "output_token_count", "cost_usd")


def new_client_request_token() -> str:
    """Return a new idempotency token: 32 hexadecimal digits; the API allows 1-256 letters, digits and hyphens."""
    return secrets.token_hex(16)


class BatchJob(Leased, Laned):
    """One batch inference job: the request, its state, and its results."""

    class InvocationType(models.TextChoices):
        INVOKE_MODEL = "InvokeModel", "InvokeModel"
        CONVERSE = "Converse", "Converse"

    class Origin(models.TextChoices):
        CONSOLE = "console", "Created here"
        IMPORTED = "imported", "Created elsewhere"

    class Results(models.TextChoices):
        NONE = "none", "No results"
        PENDING = "pending", "Waiting to be read"
        READY = "ready", "Ready"
        FAILED = "failed", "Could not be read"

    NEXT: ClassVar[dict[str, frozenset[str]]] = NEXT

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.CONSOLE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="batch_jobs",
        db_index=False,  # job_list_person begins with it
    )
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(auto_now=True)

    # The request, with fields named as in JobRequest, and its settings here.
    job_name = models.CharField(max_length=63)
    model_id = models.CharField(max_length=2048)
    base_model_id = models.CharField(
        max_length=2048, editable=False, help_text="The model whose quota it uses, without ARN and geography."
    )
    model_invocation_type = models.CharField(max_length=12, choices=InvocationType, default=InvocationType.INVOKE_MODEL)
    input_s3_uri = models.CharField(max_length=1024)
    output_s3_uri = models.CharField(max_length=1024)
    input_bucket_owner = models.CharField(max_length=12, blank=True)
    output_bucket_owner = models.CharField(max_length=12, blank=True)
    output_kms_key_id = models.CharField(max_length=2048, blank=True)
    role_arn = models.CharField(max_length=2048)
    timeout_duration_in_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    subnet_ids = models.JSONField(default=list, blank=True)
    security_group_ids = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text='[{"key": "team", "value": "nlp"}]')
    tags_unread = models.BooleanField(
        default=False, editable=False, help_text="It was created elsewhere, and AWS has not been asked for its tags."
    )
    tags_refused_at = models.DateTimeField(null=True, editable=False, help_text="When AWS last did not tell its tags.")
    client_request_token = models.CharField(max_length=256, default=new_client_request_token)
    caller_token = models.CharField(
        max_length=256, blank=True, help_text="The token with which a program may ask for the job again."
    )
    gateway_id = models.CharField(
        max_length=12, blank=True, help_text="Stands in the ARN that a program was given before AWS gave the job one."
    )
    check_input = models.BooleanField(default=False)

    # Its place in the console's own queue, which AWS does not know.
    priority = models.SmallIntegerField(default=0, help_text="A higher one leaves the queue earlier.")
    start_at = models.DateTimeField(null=True, blank=True, help_text="Not submitted before this time.")
    held_at = models.DateTimeField(null=True, blank=True, help_text="Kept in the queue since then, until released.")
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    awaits_approval = models.BooleanField(
        default=False, help_text="Held by its connection, which asks for approval of its jobs."
    )

    input_check = models.ForeignKey(
        InputCheck, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs", editable=False
    )
    estimate_usd = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        editable=False,
        help_text="The highest cost by which budgets judged it, until its own input check knows better.",
    )
    clone_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="clones")
    resend_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="resends")
    merges = models.ManyToManyField(
        "self",
        blank=True,
        symmetrical=False,
        related_name="merged_into",
        help_text="Other jobs whose records it sends again, each job's in a file of its own.",
    )

    archived_at = models.DateTimeField(null=True, blank=True, help_text="Out of the list since then, unless asked for.")

    # Its state.
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    status_changed_at = models.DateTimeField(default=timezone.now)
    message = models.TextField(blank=True, help_text="AWS's message, or why it waits or was refused.")
    error_code = models.CharField(max_length=100, blank=True)
    hint = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="How often it was sent to AWS.")
    job_arn = models.CharField(max_length=300, null=True, blank=True)  # noqa: DJ001 - unique, so unset must be NULL
    submit_time = models.DateTimeField(null=True, blank=True)
    last_modified_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    job_expiration_time = models.DateTimeField(null=True, blank=True)
    total_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    processed_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    success_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    error_record_count = models.PositiveBigIntegerField(null=True, blank=True)

    # Its results, read from the output after the job has ended.
    results = models.CharField(max_length=8, choices=Results, default=Results.NONE)
    results_error = models.JSONField(null=True, blank=True)
    manifest = models.JSONField(null=True, blank=True, help_text="AWS's own figures, manifest.json.out.")
    input_token_count = models.PositiveBigIntegerField(null=True, blank=True)
    output_token_count = models.PositiveBigIntegerField(null=True, blank=True)
    cache_read_token_count = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Read from a prompt cache; not among the input tokens."
    )
    cache_write_token_count = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Written into a prompt cache; not among the input tokens."
    )
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)

    objects = BatchJobQuerySet.as_manager()

    class Meta:
        verbose_name = "job"
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "job_arn"], name="job_arn_unique"),
            models.UniqueConstraint(
                fields=["connection", "client_request_token"],
                name="client_request_token_unique",
                condition=models.Q(origin="console"),
            ),
            models.UniqueConstraint(
                fields=["connection", "gateway_id"], name="gateway_id_unique", condition=~models.Q(gateway_id="")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "-created_at", "-id"], name="job_list"),
            models.Index(fields=["connection", "status", "-created_at", "-id"], name="job_list_status"),
            models.Index(fields=["connection", "job_name"], name="job_name"),
            models.Index(
                fields=["connection", "caller_token"], name="job_caller_token", condition=~models.Q(caller_token="")
            ),
            # The filters of the list, newest first, so that rare jobs are found among a million. Each index includes
            # the status, so that counting by status is an index-only scan.
            models.Index(fields=["created_by", "connection", *NEWEST, "status", "model_id"], name="job_list_person"),
            models.Index(fields=["model_id", "connection", *NEWEST, "status"], name="job_list_model"),
            models.Index(fields=["connection", "model_invocation_type", *NEWEST, "status"], name="job_list_type"),
            models.Index(fields=["connection", "origin", *NEWEST, "status"], name="job_list_origin"),
            models.Index(fields=["connection", "lane", *NEWEST, "status"], name="job_list_lane"),
            models.Index(
                fields=["connection", "total_record_count", "status"],
                name="job_list_records",
                condition=models.Q(total_record_count__isnull=False),
            ),
            # Includes what the list is narrowed to most, because it counts the jobs with errors among those it shows.
            models.Index(
                fields=[
                    "connection",
                    "error_record_count",
                    "status",
                    "created_by",
                    "model_id",
                    "model_invocation_type",
                ],
                name="job_list_errors",
                condition=models.Q(error_record_count__isnull=False),
            ),
            models.Index(
                fields=["connection", "cost_usd", "status"],
                name="job_list_cost",
                condition=models.Q(cost_usd__isnull=False),
            ),
            models.Index(
                models.F("connection"),
                Seconds(),
                models.F("status"),
                name="job_list_duration",
                condition=models.Q(end_time__isnull=False),
            ),
            # Jobs of which every record failed are rare among those with errors.
            models.Index(
                fields=["connection", "status", *NEWEST], name="job_list_all_failed", condition=NO_FEWER_ERRORS
            ),
            # This index empties as tags are read.
            models.Index(
                fields=["connection", "tags_refused_at", *NEWEST],
                name="job_tags_unread",
                condition=models.Q(tags_unread=True),
            ),
            models.Index(fields=["connection", "base_model_id", "status", "id"], name="job_queue"),
            models.Index(
                fields=["connection", *NEWEST], name="job_list_archived", condition=models.Q(archived_at__isnull=False)
            ),
            # Few jobs are held at a time, and people look for them.
            models.Index(
                fields=["connection", *NEWEST], name="job_list_held", condition=models.Q(held_at__isnull=False)
            ),
            models.Index(fields=["connection", "-id"], name="job_results_unread", condition=UNREAD),
            # Only jobs that wait for a step have a due time, so this index stays small; it holds all that the clock
            # reads.
            models.Index(
                fields=["due_at", "status", "connection", "base_model_id"],
                name="job_due",
                condition=models.Q(due_at__isnull=False),
            ),
            # Holds every column that the totals of a date range need, for an index-only scan.
            models.Index(
                fields=["connection", "end_time", "base_model_id", "created_by", "status", *COUNTED],
                name="job_usage",
                condition=models.Q(end_time__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.job_name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.base_model_id = base_model_id(self.model_id)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("job-detail", args=[self.connection.name, self.pk])

    @property
    def request(self) -> JobRequest:
        """The request for AWS. The same row always gives the same request, so that its token stays valid."""
        return JobRequest.from_fields({name: getattr(self, name) for name in members(JobRequest)})

    @property
    def output_folder(self) -> str:
        """The URI of the output folder, with a trailing slash; empty until AWS has accepted the job or it has begun."""
        return f"{self.output_s3_uri.rstrip('/')}/{self.output_id}/" if self.output_id else ""

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_never_sent(self) -> bool:
        """Whether it ended before it was sent to AWS, so that a job like it counts as its correction."""
        return self.status in NEVER_SENT

    @property
    def current(self) -> "BatchJob":
        """This job or, if AWS never accepted it, the newest correction of it with the same input."""
        job = self
        while job.is_never_sent:
            corrections = job.clones.filter(input_s3_uri=self.input_s3_uri).select_related("connection")
            newest = corrections.order_by("-pk").first()
            if newest is None:
                break
            job = newest
        return job

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, by AWS's clock or, if AWS gave no time, by this server's; ``None`` until then."""
        return self.end_time or (self.status_changed_at if self.is_ended else None)

    @property
    def has_errors(self) -> bool:
        """Whether it completed with errors: :data:`~batchconsole.jobs.record_errors.WITH_ERRORS` for one row."""
        if self.status == Status.COMPLETED:
            return bool(self.error_record_count)
        return self.status == Status.PARTIALLY_COMPLETED

    @property
    def every_record_failed(self) -> bool:
        """Whether its status is Completed although every record failed."""
        errors, total = self.error_record_count, self.total_record_count
        return self.status == Status.COMPLETED and bool(errors and total) and (errors or 0) >= (total or 0)

    @property
    def unprocessed_record_count(self) -> int | None:
        """The number of records that AWS has not processed; ``None`` while AWS reports no counts."""
        if self.total_record_count is None or self.processed_record_count is None:
            return None
        return max(self.total_record_count - self.processed_record_count, 0)

    @property
    def can_resend(self) -> bool:
        """Whether some of its records have no answer and its results have been read."""
        left = bool(self.error_record_count or self.unprocessed_record_count)
        return self.results == self.Results.READY and left

    @property
    def can_stop(self) -> bool:
        """Whether a user may stop it now, by cancelling it in the queue here or by stopping it on AWS."""
        return self.status in IN_QUEUE | (LIVE - {Status.STOPPING})

    @property
    def waits_here(self) -> bool:
        """Whether it has not been sent yet, so that its place in the queue can be changed."""
        return self.status in IN_QUEUE

    @property
    def is_held(self) -> bool:
        """Whether somebody has to release it before it is submitted."""
        return self.held_at is not None and self.waits_here

    @property
    def is_to_start_later(self) -> bool:
        """Whether its start time is still in the future."""
        return self.waits_here and self.start_at is not None and self.start_at > timezone.now()

    def locked(self) -> "BatchJob":
        """Return the current row, locked until the transaction ends. The connection's row is locked first."""
        Connection.objects.lock(self.connection_id)
        row: BatchJob = BatchJob.objects.select_for_update(no_key=True).get(pk=self.pk)
        return row

    def transition(
        self, to: str, *, verb: str, actor: Actor = None, data: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        """Change the state to *to*, set *fields*, and write the event, all in one transaction.

        The UPDATE includes the old state in its condition; if no row changes, another process was faster. Raises
        :class:`IllegalTransition` in that case, and for a transition that the state machine does not have.
        """
        old = self.status
        if to not in self.NEXT[old]:
            raise IllegalTransition(f"Job {self.job_name} is {old}; it cannot become {to}.")
        now = timezone.now()
        changes = {**fields, "status": to, "status_changed_at": now, "modified_at": now}
        if to in ENDED:
            may_have_output = self.has_begun_on_demand or bool(fields.get("job_arn", self.job_arn))
            changes |= columns_of_end(to, may_have_output=may_have_output, now=now)
        with transaction.atomic():
            if to in ENDED:
                Connection.objects.lock(self.connection_id)
            if not BatchJob.objects.filter(pk=self.pk, status=old).update(**changes):
                raise IllegalTransition(f"Job {self.job_name} is no longer {old}.")
            self.record(verb, actor=actor, data=data, from_status=old, to_status=to)
            for name, value in changes.items():
                setattr(self, name, value)
            Notice.write_step(self)
            if to in ENDED:
                follow_end(self, was=old)

    def ask_for_copy(self) -> None:
        """Schedule the copy of the output to the id that a program was given. Call it in the final transition."""
        copy, _ = OutputCopy.objects.get_or_create(job=self, defaults={"connection_id": self.connection_id})
        nudge("copy_output", copy.pk)

    @classmethod
    def bring_forward(cls, connection_id: int, base_model_id: str) -> None:
        """Let jobs of this model that wait for AWS's quota retry now. The caller holds the connection's lock."""
        waiting = cls.objects.queued(connection_id, base_model_id).exclude(error_code="")
        waiting.update(due_at=timezone.now())

    def record(self, verb: str, *, actor: Actor = None, data: dict[str, Any] | None = None, **states: str) -> None:
        """Add an event to the audit trail; call it inside the transaction of the change."""
        Event.objects.create(
            connection_id=self.connection_id, job_id=self.pk, actor=actor, verb=verb, data=data or {}, **states
        )
        Notice.write_deed(self, verb)
