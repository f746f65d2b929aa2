"""Jobs as rows of a CSV file. The columns are the JSON API's fields where it has them, else attributes of the job."""

from collections.abc import Iterable, Iterator
from typing import Any

from batchconsole.console.job_list.columns import JobColumn
from batchconsole.jobs.models import BatchJob

EVERY = (
    "job_name",
    "status",
    "message",
    "job_arn",
    "model_id",
    "model_invocation_type",
    "input_s3_uri",
    "output_s3_uri",
    "role_arn",
    "created_by",
    "created_at",
    "submit_time",
    "end_time",
    "total_record_count",
    "processed_record_count",
    "success_record_count",
    "error_record_count",
    "has_errors",
    "input_token_count",
    "output_token_count",
    "cost_usd",
    "priority",
    "start_at",
    "tags",
)
# The CSV fields for each column of the job list.
BEHIND = {
    "name": ("job_name",),
    "status": ("status", "has_errors", "message"),
    "model": ("model_id",),
    "type": ("model_invocation_type",),
    "progress": ("total_record_count", "processed_record_count", "success_record_count", "error_record_count"),
    "cost": ("cost_usd",),
    "created": ("created_at",),
    "age": ("created_at",),
    "by": ("created_by",),
    "submitted": ("submit_time",),
    "ended": ("end_time",),
    "ended_ago": ("end_time",),
    "duration": ("submit_time", "end_time"),
    "records": ("total_record_count",),
    "errors": ("error_record_count",),
    "input_tokens": ("input_token_count",),
    "output_tokens": ("output_token_count",),
    "priority": ("priority",),
    "start_at": ("start_at",),
    "tags": ("tags",),
    "input": ("input_s3_uri",),
    "output": ("output_s3_uri",),
    "job_id": ("job_arn",),
}


def behind(columns: Iterable[JobColumn]) -> tuple[str, ...]:
    """Return the CSV fields of *columns* in order, without duplicates."""
    return tuple(dict.fromkeys(field for column in columns for field in BEHIND[column.name]))


def rows(jobs: Iterable[BatchJob], fields: Iterable[str]) -> Iterator[Iterator[Any]]:
    """Yield one row per job with the values of *fields*."""
    names = tuple(fields)
    return ((value(job, name) for name in names) for job in jobs)


def value(job: BatchJob, field: str) -> Any:
    if field == "tags":
        return "not read yet" if job.tags_unread else ";".join(f"{tag['key']}={tag['value']}" for tag in job.tags)
    found = getattr(job, field)
    if found is None:
        return ""
    return found.isoformat() if hasattr(found, "isoformat") else found
