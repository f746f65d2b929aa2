"""Connections: access to one AWS account and region each."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

from batchconsole.aws.endpoints import is_allowed
from batchconsole.aws.session import Target
from batchconsole.jobs.finding.querysets import ConnectionQuerySet

# The longest timeoutDurationInHours that AWS takes: docs.aws.amazon.com/bedrock, CreateModelInvocationJob.
LONGEST_TIMEOUT_HOURS = 168
ENDPOINTS = ("endpoint_url", "bedrock_endpoint_url", "bedrock_runtime_endpoint_url")
NOT_ALLOWED = (
    "This console may not call {url}. Leave the field empty for AWS itself, or have the operator add the "
    "host to BATCHCONSOLE_ALLOWED_ENDPOINTS."
)
# Django's URL validator refuses host names without a dot, which containers use to reach each other.
is_endpoint = RegexValidator(
    r"^https?://[A-Za-z0-9.\-\[\]:]+(/[^\s?#]*)?$", "Enter an address like https://host or http://127.0.0.1:4566."
)


def check_prefixes(prefixes: list[str]) -> None:
    """Raise ValidationError unless *prefixes* is a list of S3 locations."""
    _check_each(prefixes, r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/.*)?", "an S3 location like s3://bucket/folder/")


def check_role_arns(arns: list[str]) -> None:
    """Raise ValidationError unless *arns* is a list of ARNs of IAM roles."""
    _check_each(arns, r"arn:[a-z-]+:iam::\d{12}:role/.+", "the ARN of a role like arn:aws:iam::123456789012:role/batch")


def check_model_patterns(patterns: list[str]) -> None:
    """Raise ValidationError unless *patterns* is a list of model ids or ARNs, in which ``*`` matches any text."""
    _check_each(patterns, r"[A-Za-z0-9.:/*_-]{1,2048}", "the id or ARN of a model, or a beginning like amazon.*")


def check_model_map(names: dict[str, str]) -> None:
    """Raise ValidationError unless *names* maps names of models, as programs send them, to model ids or ARNs."""
    if not isinstance(names, dict):
        raise ValidationError("Enter a map.")
    _check_each(list(names), r"\S.{0,255}", "the name of a model")
    _check_each(list(names.values()), r"[A-Za-z0-9.:/_-]{1,2048}", "the id or ARN of a model")


def check_folder(folder: str) -> None:
    """Raise ValidationError unless *folder* is an S3 location that ends in a slash."""
    _check_each([folder], r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]/(.*/)?", "a folder like s3://bucket/openai/")


def check_role_arn(arn: str) -> None:
    """Raise ValidationError unless *arn* is the ARN of an IAM role."""
    check_role_arns([arn])


def _check_each(values: list[str], pattern: str, what: str) -> None:
    if not isinstance(values, list):
        raise ValidationError("Enter a list.")
    wrong = [value for value in values if not (isinstance(value, str) and re.fullmatch(pattern, value))]
    if wrong:
        raise ValidationError(f"{wrong[0]} is not {what}.")


def allowed_endpoints() -> frozenset[str]:
    """Return the endpoints that a connection may use besides AWS: those the operator lists, and the local stack's."""
    return frozenset(settings.ALLOWED_ENDPOINTS) | settings.DATA_FOLDER.read_local_endpoints()


class Connection(models.Model):
    """Access to one AWS account and region. It says how to get credentials but never holds a secret."""

    class Credentials(models.TextChoices):
        DEFAULT = "default", "Default credential chain of the workers"
        PROFILE = "profile", "Named profile"
        ASSUME_ROLE = "assume_role", "Assume a role"
        LOCAL = "local", "Local stack (the keys in the data folder)"

    name = models.SlugField(max_length=40, unique=True, help_text="The first part of every URL of this connection.")
    title = models.CharField(max_length=80, help_text="What people read in the connection switch.")
    region = models.CharField(max_length=32, default="us-east-1")
    account_id = models.CharField(
        max_length=12, blank=True, validators=[RegexValidator(r"^\d{12}$", "An AWS account id has 12 digits.")]
    )
    endpoint_url = models.CharField(
        max_length=200,
        blank=True,
        validators=[is_endpoint],
        help_text="S3, IAM, STS, KMS and EC2. Empty: AWS itself.",
    )
    bedrock_endpoint_url = models.CharField(
        max_length=200, blank=True, validators=[is_endpoint], help_text="Empty: AWS itself."
    )
    bedrock_runtime_endpoint_url = models.CharField(
        max_length=200, blank=True, validators=[is_endpoint], help_text="Empty: AWS itself."
    )
    credentials = models.CharField(max_length=16, choices=Credentials, default=Credentials.DEFAULT)
    profile_name = models.CharField(max_length=128, blank=True)
    assume_role_arn = models.CharField(max_length=2048, blank=True)
    external_id = models.CharField(max_length=1224, blank=True)
    is_enabled = models.BooleanField(default=True)

    # What its users may use; empty means anything that its credentials allow.
    input_prefixes = models.JSONField(
        default=list, blank=True, validators=[check_prefixes], help_text='["s3://bucket/input/"]. Empty: any.'
    )
    output_prefixes = models.JSONField(
        default=list, blank=True, validators=[check_prefixes], help_text='["s3://bucket/output/"]. Empty: any.'
    )
    upload_prefixes = models.JSONField(
        default=list, blank=True, validators=[check_prefixes], help_text='["s3://bucket/input/"]. Empty: any.'
    )
    service_roles = models.JSONField(
        default=list, blank=True, validators=[check_role_arns], help_text="ARNs of roles for jobs. Empty: any."
    )

    role_boundary_arn = models.CharField(
        max_length=2048,
        blank=True,
        validators=[
            RegexValidator(r"^arn:[a-z-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$", "Enter the ARN of an IAM policy.")
        ],
        help_text="ARN of the policy that bounds the permissions of roles made here, whatever they are given. "
        "Empty: none.",
    )

    allowed_models = models.JSONField(
        default=list,
        blank=True,
        validators=[check_model_patterns],
        help_text='["amazon.nova-micro-v1:0", "anthropic.*"], with their inference profiles, or ARNs. Empty: any.',
    )

    checks_programs = models.BooleanField(
        default=False, help_text="Check the input of jobs that programs create, as the form does by default."
    )

    # The batches of programs that speak OpenAI's API.
    openai_models = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_model_map],
        help_text='{"gpt-4o-mini": "amazon.nova-lite-v1:0"}. A model id of Bedrock stands for itself.',
    )
    openai_folder = models.CharField(
        max_length=500,
        blank=True,
        validators=[check_folder],
        help_text="S3 folder for files and answers. Empty: openai/ in the first location for uploads.",
    )
    openai_role_arn = models.CharField(
        max_length=2048,
        blank=True,
        validators=[check_role_arn],
        help_text="ARN of the service role of their jobs. Empty: the first allowed service role.",
    )

    asks_approval = models.BooleanField(
        default=False,
        help_text="Hold the jobs of people without the right “operate” until somebody who has it releases them.",
    )

    presigns_downloads = models.BooleanField(
        default=False,
        help_text="Send browsers to S3 by a presigned URL, valid for a minute, instead of passing objects through the "
        "console. They must be able to reach S3.",
    )

    on_demand_after_hours = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_TIMEOUT_HOURS)],
        help_text="Stop a batch job that AWS has not begun so many hours after its submission, or has processed no "
        "record of for so long, and send the rest one by one. Empty: only if a person asks for it.",
    )

    # Four periodic steps with a lease each: see models/leased.py.
    sync_due_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    sync_lease = models.CharField(max_length=16, blank=True, editable=False)
    sync_losses = models.PositiveIntegerField(default=0, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    sync_watermark = models.DateTimeField(
        null=True, editable=False, help_text="Jobs submitted before it are all known."
    )
    sync_failures = models.PositiveIntegerField(default=0, editable=False)
    sync_error = models.JSONField(null=True, editable=False, help_text="Code, message and hint of the last failure.")

    limits_due_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When Service Quotas is asked again."
    )
    limits_lease = models.CharField(max_length=16, blank=True, editable=False)
    limits_losses = models.PositiveIntegerField(default=0, editable=False)

    tags_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When tags of jobs created elsewhere are read again; unset: all are read."
    )
    tags_lease = models.CharField(max_length=16, blank=True, editable=False)
    tags_losses = models.PositiveIntegerField(default=0, editable=False)
    tags_error = models.JSONField(null=True, editable=False, help_text="Why AWS did not tell the tags last time.")

    on_demand_due_at = models.DateTimeField(
        null=True, editable=False, help_text="When late jobs are looked for; unset: nobody asked for that."
    )
    on_demand_lease = models.CharField(max_length=16, blank=True, editable=False)
    on_demand_losses = models.PositiveIntegerField(default=0, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["title"]

    def __str__(self) -> str:
        return self.title or self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the row; late jobs are looked for from now on, or no more, as ``on_demand_after_hours`` says."""
        fields = None if update_fields is None else {*update_fields}
        if fields is None or "on_demand_after_hours" in fields:
            asks = self.on_demand_after_hours is not None
            self.on_demand_due_at = (self.on_demand_due_at or timezone.now()) if asks else None
            fields = fields and fields | {"on_demand_due_at"}
        super().save(*args, update_fields=fields, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("job-list", args=[self.name])

    def prefixes(self, use: str) -> list[str]:
        """Return the S3 locations allowed for *use*: ``input``, ``output``, ``upload``, or ``read`` for all three.

        Empty means any location, so reading is restricted only if each of the three is.
        """
        by_use = {"input": self.input_prefixes, "output": self.output_prefixes, "upload": self.upload_prefixes}
        if use == "read":
            return [each for allowed in by_use.values() for each in allowed] if all(by_use.values()) else []
        return list(by_use[use])

    def clean(self) -> None:
        """Raise ValidationError for an endpoint that this server must not call."""
        allowed = allowed_endpoints()
        refused = {field: url for field in ENDPOINTS if (url := getattr(self, field)) and not is_allowed(url, allowed)}
        if refused:
            raise ValidationError({field: NOT_ALLOWED.format(url=url) for field, url in refused.items()})

    @property
    def target(self) -> Target:
        """The connection as ``batchconsole.aws`` expects it."""
        access_key, secret_key = settings.LOCAL_KEYS
        return Target(
            region=self.region,
            endpoint_url=self.endpoint_url,
            bedrock_endpoint_url=self.bedrock_endpoint_url,
            bedrock_runtime_endpoint_url=self.bedrock_runtime_endpoint_url,
            credentials=self.credentials,
            profile_name=self.profile_name,
            role_arn=self.assume_role_arn,
            external_id=self.external_id,
            allowed_endpoints=allowed_endpoints(),
            local_access_key=access_key,
            local_secret_key=secret_key,
            owner=self.pk or 0,
        )
