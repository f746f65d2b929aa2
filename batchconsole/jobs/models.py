"""What the console knows: connections, jobs, and the audit trail. One row and no network is a method here."""

import secrets
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from batchconsole.aws.session import Target
from batchconsole.jobs.errors import IllegalTransition
from batchconsole.jobs.querysets import BatchJobQuerySet, ConnectionQuerySet
from batchconsole.jobs.states import ENDED, ENDED_ON_AWS, LIVE, NEXT, OCCUPYING, WAITING, Status, Verb
from batchconsole.records.catalogue import bare_id

__all__ = [
    "ENDED",
    "ENDED_ON_AWS",
    "LIVE",
    "OCCUPYING",
    "WAITING",
    "BatchJob",
    "Connection",
    "Event",
    "IllegalTransition",
    "ModelLimit",
    "ModelPrice",
    "ResultFile",
    "Status",
    "Verb",
]

COUNTED = ("input_token_count", "output_token_count", "cost_usd")


class Connection(models.Model):
    """A way to one AWS account and region. It says how to get credentials and never holds a secret."""

    class Credentials(models.TextChoices):
        DEFAULT = "default", "Default credential chain of the workers"
        PROFILE = "profile", "Named profile"
        ASSUME_ROLE = "assume_role", "Assume a role"
        LOCAL = "local", "Local stack (its fixed, public test keys)"

    name = models.SlugField(max_length=40, unique=True, help_text="The first part of every URL of this connection.")
    title = models.CharField(max_length=80, help_text="What people read in the connection switch.")
    region = models.CharField(max_length=32, default="us-east-1")
    account_id = models.CharField(
        max_length=12, blank=True, validators=[RegexValidator(r"^\d{12}$", "An AWS account id has 12 digits.")]
    )
    endpoint_url = models.URLField(blank=True, help_text="S3, IAM, STS, KMS and EC2. Empty: AWS itself.")
    bedrock_endpoint_url = models.URLField(blank=True, help_text="Empty: AWS itself.")
    bedrock_runtime_endpoint_url = models.URLField(blank=True, help_text="Empty: AWS itself.")
    credentials = models.CharField(max_length=16, choices=Credentials, default=Credentials.DEFAULT)
    profile_name = models.CharField(max_length=128, blank=True)
    assume_role_arn = models.CharField(max_length=2048, blank=True)
    external_id = models.CharField(max_length=1224, blank=True)
    is_enabled = models.BooleanField(default=True)

    sync_due_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    sync_watermark = models.DateTimeField(
        null=True, editable=False, help_text="Jobs submitted before it are all known."
    )
    sync_failures = models.PositiveIntegerField(default=0, editable=False)
    sync_error = models.JSONField(null=True, editable=False, help_text="Code, message and hint of the last failure.")

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["title"]

    def __str__(self) -> str:
        return self.title or self.name

    def get_absolute_url(self) -> str:
        return reverse("job-list", args=[self.name])

    @property
    def target(self) -> Target:
        """The connection in the words of ``batchconsole.aws``."""
        return Target(
            region=self.region,
            endpoint_url=self.endpoint_url,
            bedrock_endpoint_url=self.bedrock_endpoint_url,
            bedrock_runtime_endpoint_url=self.bedrock_runtime_endpoint_url,
            credentials=self.credentials,
            profile_name=self.profile_name,
            role_arn=self.assume_role_arn,
            external_id=self.external_id,
        )


def new_client_request_token() -> str:
    """A fresh idempotency token: 32 hexadecimal digits, within the API's 1-256 letters, digits and hyphens."""
    return secrets.token_hex(16)


def utc_today() -> date:
    """The day it is in UTC, by which usage is counted."""
    return datetime.now(UTC).date()


def base_model_id(model_id: str) -> str:
    """The model whose quota a job of *model_id* uses. Custom models have one apart from the model they grew from."""
    kind = "custom-model/" if ":custom-model/" in model_id else ""
    return kind + bare_id(model_id)


class BatchJob(models.Model):
    """One batch inference job: what was asked for, where it stands, what came of it."""

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

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="jobs")
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.CONSOLE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="batch_jobs"
    )
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(auto_now=True)

    # What was asked for: CreateModelInvocationJob's own fields.
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
    client_request_token = models.CharField(max_length=256, default=new_client_request_token)
    check_input = models.BooleanField(default=False)
    resend_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="resends")

    # Where it stands.
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    status_changed_at = models.DateTimeField(default=timezone.now)
    message = models.TextField(blank=True, help_text="AWS's message, or why it waits or was refused.")
    error_code = models.CharField(max_length=100, blank=True)
    hint = models.TextField(blank=True)
    due_at = models.DateTimeField(
        default=timezone.now, null=True, help_text="When the next step of a waiting job is due."
    )
    attempts = models.PositiveIntegerField(default=0)
    job_arn = models.CharField(max_length=300, null=True, blank=True)  # noqa: DJ001 - unique, so unset must be NULL
    submit_time = models.DateTimeField(null=True, blank=True)
    last_modified_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    job_expiration_time = models.DateTimeField(null=True, blank=True)
    total_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    processed_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    success_record_count = models.PositiveBigIntegerField(null=True, blank=True)
    error_record_count = models.PositiveBigIntegerField(null=True, blank=True)

    # What came of it, read from the output once the job has ended.
    results = models.CharField(max_length=8, choices=Results, default=Results.NONE)
    results_error = models.JSONField(null=True, blank=True)
    manifest = models.JSONField(null=True, blank=True, help_text="AWS's own figures, manifest.json.out.")
    record_errors = models.JSONField(
        default=list, blank=True, help_text='[{"code": 400, "message": "...", "count": 3, "record_ids": ["rec-1"]}]'
    )
    input_token_count = models.PositiveBigIntegerField(null=True, blank=True)
    output_token_count = models.PositiveBigIntegerField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)

    objects = BatchJobQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "job_arn"], name="job_arn_unique"),
            models.UniqueConstraint(
                fields=["connection", "client_request_token"],
                name="client_request_token_unique",
                condition=models.Q(origin="console"),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "-created_at", "-id"], name="job_list"),
            models.Index(fields=["connection", "status", "-created_at", "-id"], name="job_list_status"),
            models.Index(fields=["connection", "job_name"], name="job_name"),
            models.Index(fields=["status", "connection", "base_model_id", "id"], name="job_queue"),
            models.Index(fields=["due_at"], name="job_due", condition=models.Q(due_at__isnull=False)),
            # Holds all that the totals of a date range are made of, so that they never touch the table itself.
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
    def aws_id(self) -> str:
        """The 12-character job id, empty before AWS has accepted the job."""
        return (self.job_arn or "").rpartition("/")[2]

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def can_stop(self) -> bool:
        """Whether a person may stop it now: taken out of the queue here, or stopped on AWS."""
        return self.status in {Status.CHECKING, Status.QUEUED} | (LIVE - {Status.STOPPING})

    def transition(
        self, to: str, *, verb: str, actor: Any = None, data: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        """Step to state *to*, set *fields*, and write the event, all in one transaction.

        The UPDATE names the old state; when no row changes, somebody else was faster. Raises
        :class:`IllegalTransition` for that and for a step the machine does not have.
        """
        old = self.status
        if to not in self.NEXT[old]:
            raise IllegalTransition(f"Job {self.job_name} is {old}; it cannot become {to}.")
        now = timezone.now()
        changes = {**fields, "status": to, "status_changed_at": now, "modified_at": now}
        with transaction.atomic():
            if not BatchJob.objects.filter(pk=self.pk, status=old).update(**changes):
                raise IllegalTransition(f"Job {self.job_name} is no longer {old}.")
            self.record(verb, actor=actor, data=data, from_status=old, to_status=to)
        for name, value in changes.items():
            setattr(self, name, value)

    def record(self, verb: str, *, actor: Any = None, data: dict[str, Any] | None = None, **states: str) -> None:
        """Add to the audit trail; call it inside the transaction of the change."""
        Event.objects.create(
            connection_id=self.connection_id, job_id=self.pk, actor=actor, verb=verb, data=data or {}, **states
        )


class Event(models.Model):
    """Who did what, when. Rows are added and never changed or deleted."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.PROTECT, related_name="events")
    job = models.ForeignKey(BatchJob, null=True, on_delete=models.PROTECT, related_name="events")
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


class ModelLimit(models.Model):
    """What one model admits where that is not the shipped default: an administrator's word, or Service Quotas'."""

    class Source(models.TextChoices):
        OVERRIDE = "override", "Set by an administrator"
        SERVICE_QUOTAS = "service_quotas", "Read from Service Quotas"

    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.CASCADE, related_name="limits", help_text="Empty: all."
    )
    model_id = models.CharField(max_length=2048, blank=True, help_text="Without ARN and geography. Empty: all models.")
    source = models.CharField(max_length=14, choices=Source, default=Source.OVERRIDE, editable=False)
    jobs_at_once = models.PositiveIntegerField(null=True, blank=True, help_text="Submitted and in progress.")
    min_records_per_job = models.PositiveIntegerField(null=True, blank=True)
    records_per_job = models.PositiveIntegerField(null=True, blank=True)
    records_per_file = models.PositiveIntegerField(null=True, blank=True)
    bytes_per_file = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_per_job = models.PositiveBigIntegerField(null=True, blank=True)
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["connection", "model_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "model_id", "source"], name="model_limit_unique"),
            models.UniqueConstraint(
                fields=["model_id", "source"], condition=models.Q(connection=None), name="model_limit_unique_for_all"
            ),
        ]

    def __str__(self) -> str:
        return self.model_id or "all models"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.model_id = base_model_id(self.model_id)
        super().save(*args, **kwargs)


class ResultFile(models.Model):
    """One output file of an ended job and where its records begin, so that any page of it is one ranged read."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="result_files")
    key = models.CharField(max_length=1024)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    etag = models.CharField(max_length=100, help_text="The version of the object the offsets are of.")
    record_count = models.PositiveBigIntegerField()
    error_count = models.PositiveBigIntegerField()
    offsets = models.BinaryField(help_text="Where records begin: see jobs/offsets.py.")
    error_offsets = models.BinaryField(help_text="Where records with an error begin.")

    class Meta:
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "key"], name="result_file_unique")]

    def __str__(self) -> str:
        return self.key


class ModelPrice(models.Model):
    """A batch price where the shipped table is not enough: an administrator's word, or AWS's Price List."""

    class Source(models.TextChoices):
        ADMIN = "admin", "Set by an administrator"
        PRICE_LIST = "price_list", "AWS Price List"

    class Profile(models.TextChoices):
        ANY = "", "However the model is invoked"
        GLOBAL = "global", "Through its global inference profile"
        OTHER = "other", "In the region, or through any other inference profile"

    model_id = models.CharField(max_length=2048, help_text="Without ARN and geography, as in anthropic.claude-opus-5.")
    region = models.CharField(max_length=32, blank=True, help_text="Empty: every region.")
    profile = models.CharField(max_length=6, choices=Profile, blank=True, default=Profile.ANY)
    input_usd_per_million = models.DecimalField(
        "input price",
        max_digits=14,
        decimal_places=6,
        help_text="USD per million input tokens, batch.",
        validators=[MinValueValidator(0)],
    )
    output_usd_per_million = models.DecimalField(
        "output price",
        max_digits=14,
        decimal_places=6,
        help_text="USD per million output tokens, batch.",
        validators=[MinValueValidator(0)],
    )
    as_of = models.DateField(default=utc_today, help_text="The day on which the price held.")
    source = models.CharField(max_length=10, choices=Source, default=Source.ADMIN, editable=False)

    class Meta:
        ordering: ClassVar = ["model_id", "region", "profile", "source"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model_id", "region", "profile", "source"], name="model_price_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} in {self.region or 'every region'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.model_id = base_model_id(self.model_id)
        super().save(*args, **kwargs)
