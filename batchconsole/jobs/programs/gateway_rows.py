"""What the gateway describes a job from: some columns of its row, with times and lists as JSON text.

A list shows a thousand jobs. The database writes their times as text in a tenth of the time that Python takes.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, TextField
from django.db.models.functions import Cast, Coalesce
from django.db.models.sql.compiler import SQLCompiler

from batchconsole.aws.job_request import JobRequest, members
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.models import BatchJob

Values = Mapping[str, Any]

LISTS = ("subnet_ids", "security_group_ids")
COUNTS = {
    "totalRecordCount": "total_record_count",
    "processedRecordCount": "processed_record_count",
    "successRecordCount": "success_record_count",
    "errorRecordCount": "error_record_count",
}
COLUMNS = (
    *("pk", "status", "message", "hint", "job_arn", "gateway_id", "caller_token"),
    *(name for name in members(JobRequest) if name not in (*LISTS, "tags")),
    *COUNTS.values(),
)
COPY_STATE, COPY_ERROR = "output_copy__state", "output_copy__error"
NAMES = (*COLUMNS, COPY_STATE, *LISTS, COPY_ERROR, "submitted", "modified", "expires", "ended", "at")


class Rfc3339(Func):
    """A time as :func:`rfc3339` formats it."""

    template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    output_field = TextField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """Cut the time to milliseconds first, because ``%f`` rounds."""
        template = "strftime('%%%%Y-%%%%m-%%%%dT%%%%H:%%%%M:%%%%fZ', substr(%(expressions)s, 1, 23))"
        return self.as_sql(compiler, connection, template=template, **context)


TEXTS = (
    *(Cast(name, TextField()) for name in (*LISTS, COPY_ERROR)),
    *(Rfc3339(time) for time in ("created_at", "modified_at", "job_expiration_time")),
    Rfc3339(Coalesce("end_time", "status_changed_at")),  # of a job that has ended
    Cast("created_at", TextField()),  # to the microsecond, for the token of the next page
)


def rows_of(jobs: BatchJobQuerySet) -> Any:
    """Return the query for the rows of *jobs*, with the values of :data:`NAMES` in this order."""
    return jobs.values_list(*COLUMNS, COPY_STATE, *TEXTS)


def values_of_row(row: tuple[Any, ...]) -> Values:
    """Return the values of a row of :func:`rows_of` by name."""
    return dict(zip(NAMES, row, strict=True))


def values_of_job(job: BatchJob) -> Values:
    """Return the same values of a job that is in memory."""
    copy = getattr(job, "output_copy", None)
    return {name: getattr(job, name) for name in COLUMNS} | {
        COPY_STATE: copy and copy.state,
        **{name: json.dumps(getattr(job, name)) for name in LISTS},
        COPY_ERROR: copy and json.dumps(copy.error),
        "submitted": rfc3339(job.created_at),
        "modified": rfc3339(job.modified_at),
        "expires": job.job_expiration_time and rfc3339(job.job_expiration_time),
        "ended": rfc3339(job.end_time or job.status_changed_at),
    }


def rfc3339(moment: datetime) -> str:
    """Format an aware time as the API does: ``2026-01-31T12:00:00.123Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
