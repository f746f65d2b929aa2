"""Write what AWS reports about a job into its row. For a job with an ARN, AWS's state is authoritative."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from batchconsole.aws.bedrock import JobSummary
from batchconsole.jobs.ending import columns_of_end, follow_end
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    BatchJob,
    Connection,
    Event,
    IllegalTransition,
    Status,
    Verb,
    base_model_id,
)

logger = logging.getLogger(__name__)

# The fields taken from each report. An absent value never overwrites a known one, except for the message.
FOLLOWED = (
    "submit_time",
    "last_modified_time",
    "end_time",
    "job_expiration_time",
    "timeout_duration_in_hours",
    "total_record_count",
    "processed_record_count",
    "success_record_count",
    "error_record_count",
)
# Jobs that ended earlier are history: reading their output unasked would cost the account S3 reads for years of jobs.
READ_RESULTS_UNASKED = timedelta(days=1)


def apply(job: BatchJob, summary: JobSummary) -> bool:
    """Write what is new in *summary* into *job*; return whether anything was.

    AWS's lists are eventually consistent, so a status earlier than the known one is ignored.
    """
    changes = _differences(job, summary)
    if summary.status in job.NEXT[job.status]:
        return _try_step(job, summary, changes)
    if not changes or summary.status != job.status:
        return False
    _update(job, changes)
    return True


def _try_step(job: BatchJob, summary: JobSummary, changes: dict[str, Any]) -> bool:
    try:
        _step(job, summary, verb=Verb.REPORTED, changes=changes)
    except IllegalTransition:  # Another process has just written an equally new report.
        job.refresh_from_db()
        return False
    return True


def adopt(job: BatchJob, summary: JobSummary) -> None:
    """Give *job* the ARN that AWS has for its token, if the answer to the Create call was lost or has yet to arrive.

    If a person cancelled the job meanwhile, it is due to be stopped, so that it does not cost anything more.
    """
    due_at = timezone.now() if job.status == Status.CANCELLED else None
    changes = _differences(job, summary) | {"job_arn": summary.job_arn, "due_at": due_at, "error_code": "", "hint": ""}
    _step(job, summary, verb=Verb.ADOPTED, changes=changes)


def _differences(job: BatchJob, summary: JobSummary) -> dict[str, Any]:
    said = {name: getattr(summary, name) for name in FOLLOWED}
    changes = {name: value for name, value in said.items() if value is not None and value != getattr(job, name)}
    return changes | ({"message": summary.message} if summary.message != job.message else {})


def _step(job: BatchJob, summary: JobSummary, *, verb: str, changes: dict[str, Any]) -> None:
    data = {"message": summary.message} if summary.message else {}
    job.transition(summary.status, verb=verb, data=data, **changes)


def _update(job: BatchJob, changes: dict[str, Any]) -> None:
    changes |= {"modified_at": timezone.now()}
    BatchJob.objects.filter(pk=job.pk, status=job.status).update(**changes)
    for name, value in changes.items():
        setattr(job, name, value)


def import_jobs(connection: Connection, summaries: Iterable[JobSummary]) -> int:
    """Add the jobs that were created elsewhere and return how many were new.

    The caller's transaction holds the lock on the connection, so no job is added or recorded in the audit trail twice.
    """
    found = {summary.job_arn: summary for summary in summaries}
    known = BatchJob.objects.filter(connection=connection, job_arn__in=found).values_list("job_arn", flat=True)
    rows = [_imported(connection, found[arn]) for arn in found.keys() - set(known)]
    BatchJob.objects.bulk_create(rows)
    if rows:
        Connection.objects.read_tags_soon(connection.pk)
    Event.objects.bulk_create(
        Event(connection=connection, job=row, verb=Verb.IMPORTED, to_status=row.status) for row in rows
    )
    for row in rows:
        if row.results == BatchJob.Results.PENDING:
            follow_end(row, was=Status.SUBMITTED)
    return len(rows)


def _imported(connection: Connection, summary: JobSummary) -> BatchJob:
    return BatchJob(
        **summary.as_fields() | _first_step(summary),
        connection=connection,
        origin=BatchJob.Origin.IMPORTED,
        created_at=summary.submit_time,
        base_model_id=base_model_id(summary.model_id),
        tags_unread=True,
    )


def _first_step(summary: JobSummary) -> dict[str, Any]:
    """Return status and due time of an imported job: if it just ended, its results are read; otherwise on request."""
    status = _known(summary.status)
    now = timezone.now()
    changed = summary.end_time or summary.last_modified_time or summary.submit_time
    if status in ENDED_ON_AWS and _is_recent(changed, now):
        return {
            "status": status,
            "status_changed_at": changed,
            **columns_of_end(status, may_have_output=True, now=now),
        }
    return {"status": status, "status_changed_at": changed, "due_at": None}


def _is_recent(time: datetime, now: datetime) -> bool:
    return now - time < READ_RESULTS_UNASKED


def _known(status: str) -> str:
    """Return *status*, or ``Submitted`` for an unknown one: the job is on AWS and not known to have ended."""
    if status in Status.values:
        return status
    logger.warning("AWS reported the unknown job status %r.", status)
    return Status.SUBMITTED
