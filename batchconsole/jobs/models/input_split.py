"""Inputs that a worker splits into the inputs of several jobs: what was asked for, the progress, and the parts."""

from typing import Any, ClassVar

from django.db import models
from django.urls import reverse

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.work import WithMedia, Work


class InputSplit(WithMedia, Work):
    """An input with more records or bytes than a job may have, and the request that its jobs share.

    Its parts are planned before anything is written, and its jobs are created together once all parts are written.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="input_splits")
    input_s3_uri = models.CharField(max_length=1024)
    output_s3_uri = models.CharField(max_length=1024, help_text="The folder that the parts are written to.")
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the objects that were measured; empty until then."
    )
    request_json = models.JSONField(default=dict, help_text="The fields of the request that the jobs share.")
    check_input = models.BooleanField(default=True)
    start_at = models.DateTimeField(null=True)
    clone_of = models.ForeignKey(BatchJob, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    resend_of = models.ForeignKey(BatchJob, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    request_token = models.CharField(
        max_length=256, blank=True, help_text="The form it was asked for by; sent twice, it makes one."
    )

    bytes_total = models.PositiveBigIntegerField(default=0, help_text="To read: the input twice.")
    bytes_done = models.PositiveBigIntegerField(default=0)
    records = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "request_token"],
                name="input_split_request_token",
                condition=~models.Q(request_token=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="input_split_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Split of {self.request.job_name}"

    def get_absolute_url(self) -> str:
        return reverse("split", args=[self.connection.name, self.pk])

    @property
    def request(self) -> JobRequest:
        """The request that the jobs share; each has a name and an input of its own."""
        return JobRequest.from_fields(self.request_json)

    @property
    def percent(self) -> int:
        """The percentage of bytes read, rounded down."""
        return min(99, self.bytes_done * 100 // self.bytes_total) if self.bytes_total else 0

    def part_uri(self, number: int, count: int) -> str:
        """Return the folder of part *number* of *count*."""
        return f"{self.output_s3_uri}part-{number}-of-{count}/"


class SplitPart(models.Model):
    """One part of a split: its size as planned, whether it is written, and its job."""

    split = models.ForeignKey(InputSplit, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField(help_text="From 1, in the order of the input.")
    input_s3_uri = models.CharField(max_length=1024)
    records = models.PositiveBigIntegerField()
    is_written = models.BooleanField(default=False)
    job = models.OneToOneField(BatchJob, null=True, on_delete=models.SET_NULL, related_name="split_part")

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["split", "number"], name="split_part_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.split}, part {self.number}"

    @property
    def current_job(self) -> BatchJob | None:
        """The job that reads this part: its first one or, if AWS never accepted that, the newest correction of it."""
        job: Any = self.job
        return job.current if job is not None else None
