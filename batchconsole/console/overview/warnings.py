"""What of a connection needs somebody: it cannot be followed, jobs wait long, quotas are used up, prices missing."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.times import duration
from batchconsole.console.models.names import model_name
from batchconsole.jobs import queue_places
from batchconsole.jobs.limits import limits_of_each
from batchconsole.jobs.models import OCCUPYING, WAITING, BatchJob, Connection
from batchconsole.jobs.usage import Totals

LONG_WAIT = timedelta(hours=1)
# Longer than the longest pause between two looks at AWS after errors.
OVERDUE = timedelta(minutes=15)
NEARLY = 0.8  # of a quota
MOST_MODELS = 5


@dataclass(frozen=True)
class Notice:
    """Something to see to: what, why and what to do, and where."""

    kind: str  # error or warning
    title: str
    text: str
    url: str = ""
    link: str = ""


def warnings_of(connection: Connection, month: Totals, *, usage_url: str) -> list[Notice]:
    """The warnings of *connection*, the most pressing first. *month* is what was used in this month."""
    found = [
        unreachable(connection) or overdue(connection),
        used_up(connection),
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
    """Nobody looks at AWS any more: the clock or the workers are away."""
    late = timezone.now() - connection.sync_due_at
    if late < OVERDUE:
        return None
    text = f"The last sync was due {duration(late)} ago. Check that the control worker and beat are running."
    return Notice("error", "The workers are not processing this connection", text)


def long_waiting(connection: Connection) -> Notice | None:
    """The oldest job not yet submitted, once it has waited long."""
    old = BatchJob.objects.filter(connection=connection, created_at__lt=timezone.now() - LONG_WAIT)
    job = old.in_status(WAITING).order_by("created_at", "id").first()
    if job is None:
        return None
    title = f"{job.job_name} has waited for {duration(timezone.now() - job.created_at)}"
    text = queue_places.why_waiting(job) or f"It is {job.get_status_display().lower()}."
    return Notice("warning", title, text, f"{connection.get_absolute_url()}?status=waiting", "View waiting jobs")


def used_up(connection: Connection) -> Notice | None:
    """The models whose quota of jobs at once is nearly reached, the busiest first."""
    busy = BatchJob.objects.filter(connection=connection, status__in=OCCUPYING).order_by()
    rows = busy.values_list("base_model_id").annotate(jobs=Count("pk")).order_by("-jobs")
    counts = dict(rows[:MOST_MODELS])
    limits = {model: limit.jobs_at_once for model, limit in limits_of_each(connection.pk, counts).items()}
    near = {model: jobs for model, jobs in counts.items() if jobs >= NEARLY * limits[model]}
    if not near:
        return None
    which = f"quota of {model_name(next(iter(near)))} is" if len(near) == 1 else f"quotas of {len(near)} models are"
    how = "used up" if all(jobs >= limits[model] for model, jobs in near.items()) else "nearly used up"
    parts = ", ".join(f"{model_name(model)} {jobs} of {limits[model]}" for model, jobs in near.items())
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
