"""Follow the jobs of one connection: one ListModelInvocationJobs call per thousand jobs, not one call per job."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.aws.bedrock import JobSummary
from batchconsole.aws.errors import AwsError
from batchconsole.jobs import reports
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, Connection, Status, Verb
from batchconsole.jobs.notifications.lookout import look_out

logger = logging.getLogger(__name__)

# Each pass rereads jobs submitted up to this long before the newest known one: lists lag, and clocks differ.
OVERLAP = timedelta(minutes=15)
# Live jobs that the pages did not show are requested one by one, at most this many per pass.
ASK_AT_MOST = 20
# Seconds between two passes: just after a change, after a long time without one, and with no live jobs.
FASTEST, SLOWEST, IDLE = 2, 60, 60
# The pause grows to one fifth of the time since the last change.
PATIENCE = 5
FIRST_RETRY, LAST_RETRY = 5, 600


@dataclass
class Pass:
    """One pass over a connection's job list."""

    missing: dict[str, datetime]  # ARN and submit time of the live jobs not seen yet
    watermark: datetime | None  # all jobs submitted before it are known
    newest: datetime | None = None
    calls: int = 0
    changed: int = 0
    imported: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def horizon(self) -> datetime | None:
        """The earliest submit time of interest; ``None`` for the first pass, which reads the whole history."""
        if self.watermark is None:
            return None
        return min([self.watermark, *self.missing.values()]) - OVERLAP

    def is_covered(self, page: list[JobSummary]) -> bool:
        """Whether the pages after *page* have no new jobs, and few enough live ones are missing to request singly."""
        if self.watermark is None or not page:
            return False
        return page[-1].submit_time < self.watermark - OVERLAP and len(self.missing) <= ASK_AT_MOST


# The lease is longer than the longest silence of AWS, three attempts of a minute, and is renewed with each page.
@step(Connection, queue=CONTROL, prefix="sync_", hold=timedelta(minutes=4))
def sync(connection: Connection, lease: Lease) -> Pass:
    """Update every job of *connection* and import jobs created elsewhere; return what was read."""
    found = _read(connection, lease)
    _record_success(connection, lease, found)
    look_out(connection)
    return found


def _read(connection: Connection, lease: Lease) -> Pass:
    live = BatchJob.objects.live().filter(connection=connection, job_arn__isnull=False)
    missing = {str(arn): time or timezone.now() for arn, time in live.values_list("job_arn", "submit_time")}
    found = Pass(missing=missing, watermark=connection.sync_watermark, newest=connection.sync_watermark)
    for page in bedrock.list_model_invocation_jobs(connection.target, submit_time_after=found.horizon):
        found.calls += 1
        _take_page(connection, page, found)
        lease.write()
        if found.is_covered(page):
            break
    for arn in list(found.missing)[:ASK_AT_MOST]:
        found.calls += 1
        _ask_for(connection, arn, found)
    return found


def take_in(connection: Connection, summary: JobSummary) -> None:
    """Store one job that was requested from AWS on its own, like a page of a pass."""
    _take_page(connection, [summary], Pass(missing={}, watermark=None))


def _take_page(connection: Connection, page: list[JobSummary], found: Pass) -> None:
    """Store one page in one transaction: known jobs by ARN, the console's own by token, the rest as imports."""
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        known = _by_arn(connection, page)
        ours = _by_token(connection, [summary for summary in page if summary.job_arn not in known])
        foreign = [
            summary for summary in page if summary.job_arn not in known and summary.client_request_token not in ours
        ]
        if foreign:
            found.imported += reports.import_jobs(connection, foreign)
        for summary in page:
            found.missing.pop(summary.job_arn, None)
            if summary.job_arn in known:
                found.changed += reports.apply(known[summary.job_arn], summary)
            elif summary.client_request_token in ours:
                reports.adopt(ours[summary.client_request_token], summary)
                found.changed += 1
    times = [summary.submit_time for summary in page]
    found.newest = max([*times, *([found.newest] if found.newest else [])], default=None)


def _by_arn(connection: Connection, page: list[JobSummary]) -> dict[str, BatchJob]:
    jobs = BatchJob.objects.filter(connection=connection, job_arn__in=[summary.job_arn for summary in page])
    # The lock keeps the older information in the list from overtaking a stop or submit that is under way.
    return {str(job.job_arn): job for job in jobs.order_by("pk").select_for_update(no_key=True)}


def _by_token(connection: Connection, page: list[JobSummary]) -> dict[str, BatchJob]:
    """Return the console's jobs that have no ARN yet, by the token that they were, or may have been, submitted with."""
    jobs = BatchJob.objects.filter(
        connection=connection,
        origin=BatchJob.Origin.CONSOLE,
        lane=BatchJob.Lane.BATCH,
        client_request_token__in=[summary.client_request_token for summary in page],
        job_arn__isnull=True,
    )
    return {job.client_request_token: job for job in jobs.order_by("pk").select_for_update(no_key=True)}


def _ask_for(connection: Connection, arn: str, found: Pass) -> None:
    """Request one live job that the list did not show; if AWS no longer knows it, it has failed."""
    job = BatchJob.objects.get(connection=connection, job_arn=arn)
    try:
        summary = bedrock.get_model_invocation_job(connection.target, arn)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        _lose(job)
    else:
        found.changed += reports.apply(job, summary)


def _lose(job: BatchJob) -> None:
    message = "AWS no longer has this job. Any output is still in S3."
    if job.status_changed_at < timezone.now() - OVERLAP:
        job.transition(Status.FAILED, verb=Verb.MISSING, message=message, error_code="ResourceNotFoundException")


@sync.on_failure
def _record_failure(connection: Connection, lease: Lease, error: Failure) -> None:
    """Store on the connection that AWS could not be reached, and try again, later each time."""
    failures = connection.sync_failures + 1
    now = timezone.now()
    pause = min(LAST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10))
    logger.warning("Sync of %s failed: %s", connection.name, error)
    said = error.as_dict() | {"at": now.isoformat()}
    lease.end(due_at=now + timedelta(seconds=pause), sync_failures=failures, sync_error=said)


def _record_success(connection: Connection, lease: Lease, found: Pass) -> None:
    now = timezone.now()
    with transaction.atomic():
        # A submit that ends now makes a sync due soon: either this sync sees what it wrote, or the submit follows.
        Connection.objects.lock(connection.pk)
        lease.end(
            due_at=now + pause(connection, found, now),
            sync_failures=0,
            sync_error=None,
            synced_at=now,
            sync_watermark=found.newest or connection.sync_watermark,
        )


def pause(connection: Connection, found: Pass, now: datetime) -> timedelta:
    """Return the time until the next pass: longer the longer nothing has changed and the more calls a pass takes."""
    on_aws = BatchJob.objects.live().filter(connection=connection, lane=BatchJob.Lane.BATCH)
    changed_at = on_aws.aggregate(at=Max("modified_at"))["at"]
    if changed_at is None:
        return timedelta(seconds=IDLE)
    seconds = (now - changed_at).total_seconds() / PATIENCE
    return timedelta(seconds=min(max(seconds, FASTEST * found.calls), SLOWEST))
