"""Compare the definitions of two jobs, field by field."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.links import back_to, query_string
from batchconsole.console.kit.numbers import read_numbers
from batchconsole.jobs.definition import ORDERLESS
from batchconsole.jobs.models import BatchJob

# The fields of a request in the order of the create form. The request token is left out: every job has its own.
LABELS = {
    "job_name": "Job name",
    "model_id": "Model",
    "model_invocation_type": "Model invocation type",
    "input_s3_uri": "Input data",
    "output_s3_uri": "Output data",
    "output_kms_key_id": "AWS KMS key",
    "role_arn": "Service role",
    "tags": "Tags",
    "timeout_duration_in_hours": "Timeout in hours",
    "input_bucket_owner": "Input bucket owner",
    "output_bucket_owner": "Output bucket owner",
    "subnet_ids": "Subnets",
    "security_group_ids": "Security groups",
}


@dataclass(frozen=True)
class Row:
    """One field of both jobs, each value as its lines."""

    label: str
    values: list[list[str]]

    @property
    def differs(self) -> bool:
        return self.values[0] != self.values[1]


def rows_of(jobs: list[BatchJob]) -> list[Row]:
    """Return the rows for two jobs; the last one tells whether their input was checked."""
    requests = [job.request.as_fields() for job in jobs]
    found = [Row(label, [_lines(name, each[name]) for each in requests]) for name, label in LABELS.items()]
    return [*found, Row("Input check", [["Yes" if job.check_input else "No"] for job in jobs])]


def _lines(name: str, value: Any) -> list[str]:
    """Return a value as text, one line per item; the order of items that AWS does not keep is not compared."""
    if not isinstance(value, list):
        return [str(value)] if value else []
    lines = [_tag(each) if isinstance(each, dict) else str(each) for each in value]
    return sorted(lines) if name in ORDERLESS else lines


def _tag(tag: dict[str, str]) -> str:
    return f"{tag['key']} = {tag['value']}" if tag["value"] else tag["key"]


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the definitions of the two jobs that the query string names, or all that a person may select there."""
    keys = list(dict.fromkeys(read_numbers(request.GET.getlist("job"))))
    jobs = list(BatchJob.objects.filter(connection=request.connection, pk__in=keys[:3]).select_related("connection"))
    if len(keys) != 2 or len(jobs) != 2 or request.GET.get("all"):
        messages.warning(request, "Select two jobs of the list to compare their definitions.")
        return redirect(back_to(request, request.connection.get_absolute_url()))
    jobs.sort(key=lambda job: keys.index(job.pk))
    rows = rows_of(jobs)
    context = {
        "jobs": jobs,
        "rows": rows,
        "has_one_input": len({job.input_s3_uri.rstrip("/") for job in jobs}) == 1,
        "differing": sum(row.differs for row in rows),
        "swapped": request.path + query_string({"job": [job.pk for job in reversed(jobs)]}),
    }
    return render(request, "console/job_list/job_compare.html", context)
