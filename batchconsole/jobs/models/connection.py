"""A way to one AWS account and region."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

from batchconsole.aws.session import Target
from batchconsole.jobs.querysets import ConnectionQuerySet

# Django's own rule for URLs refuses host names without a dot, which is how containers call each other.
is_endpoint = RegexValidator(
    r"^https?://[A-Za-z0-9.\-\[\]:]+(/[^\s?#]*)?$", "Enter an address like https://host or http://127.0.0.1:4566."
)


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
    endpoint_url = models.CharField(
        max_length=200, blank=True, validators=[is_endpoint], help_text="S3, IAM, STS, KMS and EC2. Empty: AWS itself."
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

    sync_due_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    sync_watermark = models.DateTimeField(
        null=True, editable=False, help_text="Jobs submitted before it are all known."
    )
    sync_failures = models.PositiveIntegerField(default=0, editable=False)
    sync_error = models.JSONField(null=True, editable=False, help_text="Code, message and hint of the last failure.")

    limits_due_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="When Service Quotas is asked again."
    )

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
