"""Warnings about jobs on AWS, from rows alone, without calls or writes.

A warning is for a job that has not begun and soon expires, or for one whose records have not progressed for long,
compared with the usual duration of its model. :func:`nearly_full` finds the quotas that are nearly reached.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection as database
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from batchconsole.jobs.finding.durations import Seconds
from batchconsole.jobs.models import OCCUPYING, BatchJob, Connection, Status
from batchconsole.jobs.queue.limits import limits_of_each

NOT_BEGUN = frozenset({Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED})
# The default timeout of AWS: docs.aws.amazon.com/bedrock, CreateModelInvocationJob, 24 hours.
DEFAULT_TIMEOUT_HOURS = 24
LEFT = 0.25  # of the timeout, so that there is still time to act
SHORTEST_STILLNESS = timedelta(hours=2)
TIMES_USUAL = 2
SAMPLE = 20  # completed jobs of a model, from which its usual duration is computed
LOOKED_AT = 200  # live jobs of each kind per connection: the longest submitted, and the longest without progress
NEARLY = 0.8  # of a quota
MOST_MODELS = 5
Model = tuple[int, str]  # the key of the connection, and the base id


@dataclass(frozen=True)
class JobWarning:
    """A sentence about a job, and what to do, for its page and the list."""

    title: str
    text: str


EXPIRING = "This job may expire before it starts"
STUCK = "This job makes no progress"


def warning_of(job: BatchJob) -> JobWarning | None:
    return warnings_of([job]).get(job.pk)


def warnings_of(jobs: Iterable[BatchJob]) -> dict[int, JobWarning]:
    """Return the warning of each of *jobs* that has one, by key; the past of all their models is one query."""
    now = timezone.now()
    every = list(jobs)
    found = {job.pk: _expiring(job, now) for job in every}
    still = [job for job in every if _stands_still(job, now)]
    usual = usual_durations((job.connection_id, job.base_model_id) for job in still)
    found |= {job.pk: _stuck(job, now, usual.get((job.connection_id, job.base_model_id))) for job in still}
    return {key: warning for key, warning in found.items() if warning}


def _stands_still(job: BatchJob, now: datetime) -> bool:
    return job.status == Status.IN_PROGRESS and not job.is_on_demand and now - _moved_at(job) >= SHORTEST_STILLNESS


def warned_jobs(connection: Connection) -> list[tuple[BatchJob, JobWarning]]:
    """Return the jobs of *connection* with a warning, the most urgent first; examines a limited number of jobs."""
    now = timezone.now()
    live = BatchJob.objects.filter(connection=connection, lane=BatchJob.Lane.BATCH).select_related("connection")
    waiting = live.filter(status__in=NOT_BEGUN).order_by("submit_time", "id")
    still = live.filter(status=Status.IN_PROGRESS).filter(
        Q(last_modified_time__lt=now - SHORTEST_STILLNESS) | Q(last_modified_time=None)
    )
    jobs = [*waiting[:LOOKED_AT], *still.order_by("last_modified_time", "id")[:LOOKED_AT]]
    found = warnings_of(jobs)
    return [(job, found[job.pk]) for job in jobs if job.pk in found]


def usual_durations(models: Iterable[Model]) -> dict[Model, timedelta]:
    """Return the median duration on AWS of the last completed jobs of each of *models* that has any.

    One query, whose parts each read the newest jobs of one model: Django has no limit within a union on SQLite.
    """
    parts = [_newest_durations(*each).query.sql_with_params() for each in dict.fromkeys(models)]
    if not parts:
        return {}
    named = (f"({sql}) AS model_{number}" for number, (sql, _) in enumerate(parts))
    union = " UNION ALL ".join(f"SELECT * FROM {each}" for each in named)  # noqa: S608 - Django's SQL, with parameters
    seconds: defaultdict[Model, list[int]] = defaultdict(list)
    with database.cursor() as cursor:
        cursor.execute(union, [each for _, params in parts for each in params])
        for connection_id, base_model_id, took in cursor.fetchall():
            seconds[connection_id, base_model_id].append(took)
    return {each: timedelta(seconds=median(took)) for each, took in seconds.items()}


def _newest_durations(connection_id: int, base_model_id: str) -> QuerySet[BatchJob, tuple[Any, ...]]:
    mine = BatchJob.objects.filter(connection_id=connection_id, base_model_id=base_model_id, lane=BatchJob.Lane.BATCH)
    done = mine.filter(status=Status.COMPLETED, submit_time__isnull=False, end_time__isnull=False).order_by("-id")
    found: QuerySet[BatchJob, tuple[Any, ...]] = done.values_list("connection_id", "base_model_id", Seconds())
    return found[:SAMPLE]


def quota_use(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return the busiest models with the jobs that count toward their quota of concurrent jobs, and the quota."""
    busy = BatchJob.objects.filter(connection=connection, status__in=OCCUPYING, lane=BatchJob.Lane.BATCH).order_by()
    rows = busy.values_list("base_model_id").annotate(jobs=Count("pk")).order_by("-jobs")
    counts = dict(rows[:MOST_MODELS])
    limits = {model: limit.jobs_at_once for model, limit in limits_of_each(connection.pk, counts).items()}
    return {model: (jobs, limits[model]) for model, jobs in counts.items()}


def nearly_full(use: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return those of *use*, from :func:`quota_use`, whose quota is nearly reached."""
    return {model: (jobs, limit) for model, (jobs, limit) in use.items() if jobs >= NEARLY * limit}


def _expiring(job: BatchJob, now: datetime) -> JobWarning | None:
    if job.status not in NOT_BEGUN or job.submit_time is None:
        return None
    timeout = timedelta(hours=job.timeout_duration_in_hours or DEFAULT_TIMEOUT_HOURS)
    expires_at = job.job_expiration_time or job.submit_time + timeout
    left = expires_at - now
    if left > LEFT * timeout:
        return None
    return JobWarning(
        EXPIRING,
        f"It is still {job.get_status_display().lower()}, and expires {_within(left)}. AWS has no place for it yet. "
        "Clone it with a longer timeout or another model, or wait.",
    )


def _stuck(job: BatchJob, now: datetime, usual: timedelta | None) -> JobWarning | None:
    stillness = now - _moved_at(job)
    if stillness < max(SHORTEST_STILLNESS, TIMES_USUAL * (usual or timedelta())):
        return None
    known = f" Jobs of this model usually take {_hours(usual)} as a whole." if usual else ""
    return JobWarning(
        STUCK,
        f"AWS has processed no further record for {_hours(stillness)}.{known} Wait, or stop it: you keep the answers "
        "it has, and can resend the rest.",
    )


def _moved_at(job: BatchJob) -> datetime:
    """When AWS last changed anything about the job."""
    return job.last_modified_time or job.status_changed_at


def _within(left: timedelta) -> str:
    return f"in {_hours(left)}" if left > timedelta() else "at any moment"


def _hours(value: timedelta) -> str:
    """Return the duration as ``5 hours`` or ``40 minutes``."""
    minutes = max(int(value.total_seconds()) // 60, 1)
    count, unit = (minutes // 60, "hour") if minutes >= 60 else (minutes, "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"
