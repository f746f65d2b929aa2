"""What is due on a connection: jobs that start at a set time, schedules that run, and jobs that expire."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from batchconsole.jobs.models import LIVE, BatchJob, Connection, Schedule, Status

STARTS_WITHIN, EXPIRES_WITHIN = timedelta(days=7), timedelta(hours=6)
MOST = 5  # schedules, and twice as many jobs
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
    starting = Q(status__in=WAITING_HERE, start_at__gt=now, start_at__lt=now + STARTS_WITHIN)
    expiring = Q(status__in=LIVE, job_expiration_time__gt=now, job_expiration_time__lt=now + EXPIRES_WITHIN)
    soonest = jobs.filter(starting | expiring).order_by(Coalesce("job_expiration_time", "start_at"))[: 2 * MOST]
    return sorted([*map(_of_job, soonest), *_runs(connection, now)], key=lambda due: due.at)


def _of_job(job: BatchJob) -> Due:
    """Return what becomes of a job: it has a time to start while it waits here, and one to expire on AWS."""
    starts = job.status in WAITING_HERE
    at = job.start_at if starts else job.job_expiration_time
    return Due(job.job_name, job.get_absolute_url(), at or timezone.now(), "Starts" if starts else "Expires", job)


def _runs(connection: Connection, now: datetime) -> list[Due]:
    """Return the next run of each active schedule that runs by a rule."""
    rules = Schedule.objects.filter(connection=connection, is_active=True, kind=Schedule.Kind.RULE)
    soon = rules.filter(next_at__gt=now, next_at__lt=now + STARTS_WITHIN).select_related("connection")
    return [
        Due(each.title, each.get_absolute_url(), each.next_at, "Schedule runs")
        for each in soon.order_by("next_at")[:MOST]
        if each.next_at
    ]
