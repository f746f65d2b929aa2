"""What is due on a connection: jobs that start at a set time, schedules that run, and jobs that expire."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from batchconsole.jobs.models import LIVE, BatchJob, Connection, Schedule, Status

STARTS_WITHIN, EXPIRES_WITHIN = timedelta(days=7), timedelta(hours=6)
MOST = 5  # of each kind
WAITING_HERE = (Status.CHECKING, Status.QUEUED)


@dataclass(frozen=True)
class Due:
    """A job or a schedule, and what becomes of it when; a schedule has no job yet."""

    name: str
    url: str
    at: datetime
    what: str
    job: BatchJob | None = None


def what_is_due(connection: Connection) -> list[Due]:
    """Return the next starts, runs and ends by timeout, the earliest first."""
    now = timezone.now()
    jobs = BatchJob.objects.filter(connection=connection).select_related("connection", "held_by")
    starting = jobs.filter(status__in=WAITING_HERE, start_at__gt=now, start_at__lt=now + STARTS_WITHIN)
    expiring = jobs.filter(status__in=LIVE, job_expiration_time__gt=now, job_expiration_time__lt=now + EXPIRES_WITHIN)
    found = [
        *(_of_job(job, job.start_at, "Starts") for job in starting.order_by("start_at")[:MOST]),
        *(_of_job(job, job.job_expiration_time, "Expires") for job in expiring.order_by("job_expiration_time")[:MOST]),
        *_runs(connection, now),
    ]
    return sorted((due for due in found if due), key=lambda due: due.at)


def _of_job(job: BatchJob, at: datetime | None, what: str) -> Due | None:
    return Due(job.job_name, job.get_absolute_url(), at, what, job) if at else None


def _runs(connection: Connection, now: datetime) -> list[Due]:
    """Return the next run of each active schedule that runs by a rule."""
    rules = Schedule.objects.filter(connection=connection, is_active=True, kind=Schedule.Kind.RULE)
    soon = rules.filter(next_at__gt=now, next_at__lt=now + STARTS_WITHIN).select_related("connection")
    return [
        Due(each.title, each.get_absolute_url(), each.next_at, "Schedule runs")
        for each in soon.order_by("next_at")[:MOST]
        if each.next_at
    ]
