"""The two lanes of jobs: AWS runs a batch, or a worker of the console sends the records one by one."""

import hashlib
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from datetime import datetime

ID_LENGTH = 12  # of the ids of AWS's batch jobs


class Laned(models.Model):
    """A job's lane, and what follows from it."""

    class Lane(models.TextChoices):
        BATCH = "batch", "Batch"
        ON_DEMAND = "on_demand", "On demand"

    lane = models.CharField(
        max_length=9,
        choices=Lane,
        default=Lane.BATCH,
        editable=False,
        help_text="Whether AWS runs it as a batch job, or a worker sends its records one by one.",
    )

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        client_request_token: str
        job_arn: str | None
        submit_time: datetime | None

    @property
    def is_on_demand(self) -> bool:
        """Whether its records are sent one by one, so that AWS has no job of it."""
        return self.lane == self.Lane.ON_DEMAND

    @property
    def has_begun_on_demand(self) -> bool:
        """Whether the first of its records may have been sent one by one."""
        return self.is_on_demand and self.submit_time is not None

    @property
    def sending_step(self) -> str:
        """The name of the step that submits it, or sends its records."""
        return "answer_records" if self.is_on_demand else "submit"

    @property
    def aws_id(self) -> str:
        """The 12-character job id; empty until AWS has accepted the job."""
        return (self.job_arn or "").rpartition("/")[2]

    @property
    def output_id(self) -> str:
        """The name of its output folder: AWS's id, or one of its own if it runs on demand; empty before.

        A client chooses the token, which is unique in its connection only, so the key of the job is a part of it too.
        """
        if not self.has_begun_on_demand:
            return self.aws_id
        return hashlib.sha256(f"{self.pk} {self.client_request_token}".encode()).hexdigest()[:ID_LENGTH]
