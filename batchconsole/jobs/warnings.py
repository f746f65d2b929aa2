"""What is about to go wrong with jobs on AWS, from rows alone: no call is made, and nothing is written.

A job that has not begun and soon expires, and one whose records have not moved for long against what its model usually
takes. What is nearly full is told by :func:`nearly_full`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, Q
from django.utils import timezone

from batchconsole.jobs.limits import limits_of_each
from batchconsole.jobs.models import OCCUPYING, BatchJob, Connection, Status

NOT_BEGUN = frozenset({Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED})
# A job without a timeout of its own has AWS's: docs.aws.amazon.com/bedrock, CreateModelInvocationJob, 24 hours.
DEFAULT_TIMEOUT_HOURS = 24
LEFT = 0.25  # of the timeout; who is told then can still do something
SHORTEST_STILLNESS = timedelta(hours=2)
TIMES_USUAL = 2
SAMPLE = 20  # completed jobs of a model that tell what it usually takes
LOOKED_AT = 200  # live jobs of a connection, those that expire first or were still longest
NEARLY = 0.8  # of a quota
MOST_MODELS = 5


@dataclass(frozen=True)
class JobWarning:
    """One sentence about a job, and what can be done, for its page and the list."""

    title: str
    text: str


EXPIRING = "This job may expire before it starts"
STUCK = "This job makes no progress"


def warning_of(job: BatchJob) -> JobWarning | None:
    return warnings_of([job]).get(job.pk)


def warnings_of(jobs: Iterable[BatchJob]) -> dict[int, JobWarning]:
    """The warning of each of *jobs* that has one, by its key; each model's past is looked at once."""
    usual: dict[tuple[int, str], timedelta | None] = {}
    now = timezone.now()
    found = {}
    for job in jobs:
        warning = _expiring(job, now)
        if job.status == Status.IN_PROGRESS and now - _moved_at(job) >= SHORTEST_STILLNESS:
            of = (job.connection_id, job.base_model_id)
            if of not in usual:
                usual[of] = usual_duration(*of)
            warning = _stuck(job, now, usual[of])
        if warning:
            found[job.pk] = warning
    return found


def warned_jobs(connection: Connection) -> list[tuple[BatchJob, JobWarning]]:
    """The jobs of *connection* that have a warning, the most pressing first, out of a bounded number looked at."""
    now = timezone.now()
    live = BatchJob.objects.filter(connection=connection).select_related("connection")
    waiting = live.filter(status__in=NOT_BEGUN).order_by("submit_time", "id")
    still = live.filter(status=Status.IN_PROGRESS).filter(
        Q(last_modified_time__lt=now - SHORTEST_STILLNESS) | Q(last_modified_time=None)
    )
    jobs = [*waiting[:LOOKED_AT], *still.order_by("last_modified_time", "id")[:LOOKED_AT]]
    found = warnings_of(jobs)
    return [(job, found[job.pk]) for job in jobs if job.pk in found]


def usual_duration(connection_id: int, base_model_id: str) -> timedelta | None:
    """How long jobs of the model take on AWS, by the median of its last completed ones; ``None`` without any."""
    done = BatchJob.objects.filter(
        connection_id=connection_id, base_model_id=base_model_id, status=Status.COMPLETED
    ).order_by("-id")
    times = done.filter(submit_time__isnull=False, end_time__isnull=False).values_list("submit_time", "end_time")
    return median(end - start for start, end in times[:SAMPLE]) if times[:SAMPLE] else None


def nearly_full(connection: Connection) -> dict[str, tuple[int, int]]:
    """The models whose quota of jobs at once is nearly reached, the busiest first: jobs that count, and the quota."""
    busy = BatchJob.objects.filter(connection=connection, status__in=OCCUPYING).order_by()
    rows = busy.values_list("base_model_id").annotate(jobs=Count("pk")).order_by("-jobs")
    counts = dict(rows[:MOST_MODELS])
    limits = {model: limit.jobs_at_once for model, limit in limits_of_each(connection.pk, counts).items()}
    return {model: (jobs, limits[model]) for model, jobs in counts.items() if jobs >= NEARLY * limits[model]}


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
    """When AWS last changed something of the job."""
    return job.last_modified_time or job.status_changed_at


def _within(left: timedelta) -> str:
    return f"in {_hours(left)}" if left > timedelta() else "at any moment"


def _hours(value: timedelta) -> str:
    """``5 hours``, ``40 minutes``."""
    minutes = max(int(value.total_seconds()) // 60, 1)
    count, unit = (minutes // 60, "hour") if minutes >= 60 else (minutes, "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"
