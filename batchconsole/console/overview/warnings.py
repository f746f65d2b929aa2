"""Warnings about a connection: sync errors, long waits, used-up quotas, missing prices and more."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.links import query_string
from batchconsole.console.kit.pagination import bounded
from batchconsole.console.kit.times import duration
from batchconsole.console.models.names import model_name
from batchconsole.jobs.costs.usage import Totals
from batchconsole.jobs.models import WAITING, BatchJob, Connection
from batchconsole.jobs.queue import queue_places
from batchconsole.jobs.queue.queue_places import HELD, HELD_TITLE
from batchconsole.jobs.warnings import EXPIRING, STUCK, JobWarning, nearly_full, warned_jobs

LONG_WAIT = timedelta(hours=1)
# Longer than the longest pause between two syncs after errors.
OVERDUE = timedelta(minutes=15)
MANY = {EXPIRING: "{count} jobs may expire before they start", STUCK: "{count} jobs make no progress"}
QuotaUse = dict[str, tuple[int, int]]  # from quota_use()
NAMED = 3  # jobs listed by name in a warning


@dataclass(frozen=True)
class Notice:
    """One warning: what, why, what to do, and a link."""

    kind: str  # error or warning
    title: str
    text: str
    url: str = ""
    link: str = ""


def warnings_of(connection: Connection, month: Totals, *, quotas: QuotaUse, usage_url: str) -> list[Notice]:
    """Return the warnings of *connection*, the most urgent first. *month* is the usage of the current month."""
    found = [
        unreachable(connection) or overdue(connection),
        *endangered(connection),
        awaiting_approval(connection),
        used_up(connection, quotas),
        long_waiting(connection),
        unpriced(month, usage_url),
    ]
    return [warning for warning in found if warning]


def unreachable(connection: Connection) -> Notice | None:
    error = connection.sync_error
    if not error:
        return None
    return Notice("error", "The jobs of this connection can't be synced", sentences(error))


def overdue(connection: Connection) -> Notice | None:
    """Warn if no sync runs any more because beat or the workers are down."""
    late = timezone.now() - connection.sync_due_at
    if late < OVERDUE:
        return None
    text = f"The last sync was due {duration(late)} ago. Check that the control worker and beat are running."
    return Notice("error", "The workers are not processing this connection", text)


def endangered(connection: Connection) -> list[Notice]:
    """Warn of jobs that may expire before they start, and of jobs without progress."""
    return [_of_jobs(warning, [job for job, _ in group]) for warning, group in _by_title(warned_jobs(connection))]


def _by_title(warned: list[tuple[BatchJob, JobWarning]]) -> list[tuple[JobWarning, list[tuple[BatchJob, JobWarning]]]]:
    groups: dict[str, list[tuple[BatchJob, JobWarning]]] = {}
    for each in warned:
        groups.setdefault(each[1].title, []).append(each)
    return [(group[0][1], group) for group in groups.values()]


def _of_jobs(warning: JobWarning, jobs: list[BatchJob]) -> Notice:
    """Return the warning of a single job, or one warning for all jobs with the same problem."""
    if len(jobs) == 1:
        title = warning.title.replace("This job", jobs[0].job_name)
        return Notice("warning", title, warning.text, jobs[0].get_absolute_url(), "View job")
    names = ", ".join(job.job_name for job in jobs[:NAMED])
    more = f" and {len(jobs) - NAMED} more" if len(jobs) > NAMED else ""
    title = MANY[warning.title].format(count=len(jobs))
    url = f"{jobs[0].connection.get_absolute_url()}?status=running"
    return Notice("warning", title, f"{names}{more}.", url, "View running jobs")


def awaiting_approval(connection: Connection) -> Notice | None:
    """Warn of jobs that wait for an operator's approval."""
    count = bounded(BatchJob.objects.filter(HELD, connection=connection, awaits_approval=True))
    if count == "0":
        return None
    title = f"{count} job{' waits' if count == '1' else 's wait'} for approval"
    url = connection.get_absolute_url() + query_string({"f": f"status={HELD_TITLE}"})
    return Notice(
        "warning", title, "An operator of this connection releases them with a comment.", url, "View held jobs"
    )


def long_waiting(connection: Connection) -> Notice | None:
    """Warn of the oldest job not yet submitted, once it has waited long."""
    now = timezone.now()
    meant_to_run = Q(start_at__isnull=True) | Q(start_at__lt=now - LONG_WAIT)
    old = BatchJob.objects.filter(meant_to_run, connection=connection, created_at__lt=now - LONG_WAIT, held_at=None)
    job = old.in_status(WAITING).order_by("created_at", "id").first()
    if job is None:
        return None
    title = f"{job.job_name} has waited for {duration(timezone.now() - job.created_at)}"
    text = queue_places.why_waiting(job) or f"It is {job.get_status_display().lower()}."
    return Notice("warning", title, text, f"{connection.get_absolute_url()}?status=waiting", "View waiting jobs")


def used_up(connection: Connection, quotas: QuotaUse) -> Notice | None:
    """Warn of the models whose quota of concurrent jobs is nearly used up, the busiest first."""
    near = nearly_full(quotas)
    if not near:
        return None
    which = f"quota of {model_name(next(iter(near)))} is" if len(near) == 1 else f"quotas of {len(near)} models are"
    how = "used up" if all(jobs >= limit for jobs, limit in near.values()) else "nearly used up"
    parts = ", ".join(f"{model_name(model)} {jobs} of {limit}" for model, (jobs, limit) in near.items())
    text = f"Jobs in progress: {parts}. More jobs for these models wait in the queue until one ends."
    return Notice(
        "warning", f"The {which} {how}", text, f"{connection.get_absolute_url()}?status=running", "View running jobs"
    )


def unpriced(month: Totals, url: str) -> Notice | None:
    if not month.unpriced:
        return None
    jobs = f"{month.unpriced:,} job{'' if month.unpriced == 1 else 's'}"
    text = "The model has no batch price. An administrator can set a price to calculate the cost."
    return Notice(
        "warning",
        f"{jobs} of this month {'has' if month.unpriced == 1 else 'have'} no price yet",
        text,
        url,
        "View usage and cost",
    )
