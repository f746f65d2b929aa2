"""What is due on a connection: jobs that start at a time of their own soon, and jobs that expire soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from batchconsole.jobs.models import LIVE, BatchJob, Connection, Status

STARTS_WITHIN, EXPIRES_WITHIN = timedelta(days=7), timedelta(hours=6)
MOST = 5  # of each kind
WAITING_HERE = (Status.CHECKING, Status.QUEUED)


@dataclass(frozen=True)
class Due:
    """One job, and what becomes of it when."""

    job: BatchJob
    at: datetime
    what: str


def what_is_due(connection: Connection) -> list[Due]:
    """Return the next starts and the next ends by timeout, the earliest first."""
    now = timezone.now()
    jobs = BatchJob.objects.filter(connection=connection).select_related("connection", "held_by")
    starting = jobs.filter(status__in=WAITING_HERE, start_at__gt=now, start_at__lt=now + STARTS_WITHIN)
    expiring = jobs.filter(status__in=LIVE, job_expiration_time__gt=now, job_expiration_time__lt=now + EXPIRES_WITHIN)
    found = [Due(job, job.start_at, "Starts") for job in starting.order_by("start_at")[:MOST] if job.start_at]
    found += [
        Due(job, job.job_expiration_time, "Expires")
        for job in expiring.order_by("job_expiration_time")[:MOST]
        if job.job_expiration_time
    ]
    return sorted(found, key=lambda due: due.at)
