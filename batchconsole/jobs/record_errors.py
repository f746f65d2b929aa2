"""The one definition of jobs that completed with errors, as query conditions. AWS calls them Completed."""

from django.db.models import F, Q

from batchconsole.jobs.states import Status

COMPLETED_WITH_ERRORS = Q(status=Status.COMPLETED, error_record_count__gt=0)
WITH_ERRORS = Q(status=Status.PARTIALLY_COMPLETED) | COMPLETED_WITH_ERRORS
WITH_ERRORS_TITLE = "Completed with errors"
# Just one comparison of columns, so that SQLite recognizes the condition of the index job_list_all_failed.
NO_FEWER_ERRORS = Q(error_record_count__gte=F("total_record_count"))
EVERY_RECORD_FAILED = Q(status=Status.COMPLETED) & NO_FEWER_ERRORS & ~Q(total_record_count=0)
