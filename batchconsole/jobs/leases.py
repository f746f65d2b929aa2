"""Holding a long step: who reads a job's gigabytes keeps its due time ahead, so that nobody else begins."""

import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from batchconsole.jobs.models import BatchJob

# Longer than the longest silence of S3: three attempts of 60 s.
LENGTH = timedelta(minutes=5)
RENEW_SECONDS = 5


class LeaseLost(Exception):
    """Another worker has taken the step over, or a person has ended it. Stop, and write nothing."""


class Lease:
    """The right to do the due step of one job, held by its due time and given up by the job's next step."""

    def __init__(self, job: BatchJob) -> None:
        self.job = job
        self._push()

    def _push(self, **fields: Any) -> None:
        until = timezone.now() + LENGTH
        mine = BatchJob.objects.filter(pk=self.job.pk, due_at=self.job.due_at, status=self.job.status)
        if not mine.update(due_at=until, **fields):
            raise LeaseLost
        self.job.due_at = until
        self.renewed_at = time.monotonic()

    def renew(self, **fields: Any) -> None:
        """Hold on, and set *fields*; cheap enough to be called with every chunk. Raises :class:`LeaseLost`."""
        if time.monotonic() - self.renewed_at >= RENEW_SECONDS:
            self._push(**fields)

    def check(self) -> None:
        """Make sure, inside the transaction that ends the step, that it is still ours. Raises :class:`LeaseLost`."""
        held = BatchJob.objects.select_for_update().filter(
            pk=self.job.pk, due_at=self.job.due_at, status=self.job.status
        )
        if not held:
            raise LeaseLost
