"""What the on-demand lane stores while it runs a job: its settings and progress, and the answers so far."""

from typing import ClassVar

from django.db import models

from batchconsole.jobs.models.job import BatchJob
from batchconsole.jobs.models.made_input import MadeInput


class OnDemandRun(models.Model):
    """How a job runs on demand. The job's row has the lease, this one what such a job has besides.

    With ``takes_over``, the job answers what the batch job in its ``resend_of`` leaves unanswered: that one is stopped
    first, and ``made_input`` writes its rest.
    """

    job = models.OneToOneField(BatchJob, on_delete=models.CASCADE, related_name="on_demand_run")
    record_limit = models.PositiveIntegerField(null=True, help_text="Only so many records, from the first on.")
    takes_over = models.BooleanField(default=False)
    made_input = models.ForeignKey(MadeInput, null=True, on_delete=models.SET_NULL, related_name="+")
    fingerprint = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the input's objects.")
    pauses = models.PositiveIntegerField(default=0, help_text="How often in a row AWS answered no record.")

    def __str__(self) -> str:
        return f"{self.job}, on demand"


class OnDemandAnswer(models.Model):
    """The output line of one record, kept until the job's output is written."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="on_demand_answers", db_index=False)
    place = models.PositiveIntegerField(help_text="Of the record among those of all files, from 0.")
    file = models.CharField(max_length=1024)
    line = models.BinaryField(help_text="With its line feed.")

    class Meta:
        ordering: ClassVar = ["place"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "place"], name="on_demand_answer_once")]

    def __str__(self) -> str:
        return f"{self.file}, record {self.place + 1}"
