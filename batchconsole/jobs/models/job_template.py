"""Job templates: the definition of a job, kept by name for the next job like it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.models.connection import Connection

LONGEST_NAME = 60  # characters


class JobTemplate(models.Model):
    """The fields of a job's request under a name; fields may be missing, to be filled in with each job."""

    # Without an index of its own: that of the constraint begins with it.
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="job_templates", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    values = models.JSONField(default=dict, help_text="The fields of a request that have a value, by name.")
    check_input = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(default=1, help_text="Counts its changes.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "name"], name="job_template_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def request(self) -> JobRequest:
        """The request, without a token; required fields that the template lacks are empty."""
        return JobRequest.from_fields(self.values)
