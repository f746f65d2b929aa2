"""Comparisons of jobs that answer one input with several models, and which answers people marked as better."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from batchconsole.jobs.finding.querysets import LeasedQuerySet
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.leased import Leased
from batchconsole.jobs.signals import nudge
from batchconsole.records.comparing import Compared


class ComparisonQuerySet(LeasedQuerySet):
    def of_job(self, job: BatchJob) -> Self:
        """The comparisons that show *job*, or that showed the jobs it corrects."""
        keys, earlier = {job.pk}, job.clone_of
        while earlier is not None and earlier.is_never_sent and earlier.pk not in keys:
            keys.add(earlier.pk)
            earlier = earlier.clone_of
        return self.filter(jobs__job__in=keys).distinct()

    def read_again(self, job: BatchJob) -> None:
        """Make the comparisons of *job* due, after its results were read; call it in that transaction.

        The rows are locked in order of their keys: see jobs/locks.py.
        """
        now = timezone.now()
        for pk in self.of_job(job).order_by("pk").values_list("pk", flat=True):
            self.filter(pk=pk).update(due_at=now, lease="", error=None)
            nudge("compare_answers", pk)


class Comparison(Leased):
    """Some jobs with one input. A worker compares their answers as soon as the results of two of them are read."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="comparisons")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    title = models.CharField(max_length=200)
    input_s3_uri = models.CharField(max_length=1024)
    request_token = models.CharField(
        max_length=256, blank=True, help_text="The form it was asked for by; sent twice, it makes one."
    )
    read_at = models.DateTimeField(null=True, db_index=True, help_text="When the answers were compared.")
    read_of = models.JSONField(default=dict, help_text="When the results that were compared were read, by job.")
    packed = models.BinaryField(default=b"", help_text="How the answers compare, as records/comparing.py packs it.")
    error = models.JSONField(null=True, help_text="Message and hint of why the answers could not be compared.")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "created_by", "request_token"],
                name="comparison_request_token",
                condition=~models.Q(request_token=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="comparison_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Comparison {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("comparison", args=[self.connection.name, self.pk])

    @property
    def compared(self) -> Compared | None:
        """How the answers compare; ``None`` until they are compared, and once that is no longer kept."""
        return Compared.unpack(bytes(self.packed)) if self.packed else None


class ComparedJob(models.Model):
    """One job of a comparison."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="jobs")
    number = models.PositiveIntegerField(help_text="From 1, in the order of the form.")
    job = models.ForeignKey(BatchJob, null=True, on_delete=models.SET_NULL, related_name="compared")
    job_name = models.CharField(max_length=63)
    model_id = models.CharField(max_length=2048)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["comparison", "number"], name="compared_job_number"),
        ]

    def __str__(self) -> str:
        return self.job_name

    @property
    def current_job(self) -> BatchJob | None:
        """Its job or, if AWS never accepted that, the newest correction of it; ``None`` if the job is gone."""
        job: Any = self.job
        return job.current if job is not None else None


class AnswerMark(models.Model):
    """Which job's answer to a record one person marked as better; no job stands for a tie."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="marks", db_index=False)
    key = models.BigIntegerField(help_text="The number of the record that Compared.keys() gives.")
    position = models.PositiveIntegerField(help_text="The record's position in the input, from 0.")
    record_id = models.TextField(blank=True)
    better = models.ForeignKey(ComparedJob, null=True, on_delete=models.CASCADE, related_name="marks", db_index=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    marked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["comparison", "key", "created_by"], name="answer_mark_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id or self.position}: {self.better or 'tie'}"
