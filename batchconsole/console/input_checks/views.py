"""Pages of input checks: progress and report, cancellation, and the full report as CSV."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import IN_FORM, CheckView
from batchconsole.console.kit.answers import show, wants_part
from batchconsole.console.kit.csv_download import csv_response
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.models import InputCheck
from batchconsole.records.report import Finding

COLUMNS = ("severity", "problem", "file", "line", "record_id", "path", "found", "expected", "bedrock_says", "code")


def find_check(request: ConsoleRequest, pk: int) -> InputCheck:
    checks = InputCheck.objects.select_related("connection", "created_by")
    check: InputCheck = get_object_or_404(checks, connection=request.connection, pk=pk)
    return check


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show a check as a page with its own URL, or as the part of another page that updates itself."""
    shown = CheckView(find_check(request, pk), is_in_form=IN_FORM in request.GET)
    return show(request, "console/input_checks/input_check.html", {"shown": shown}, version=shown.version)


@require_POST
def cancel(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Cancel a check; redirect to its page, or return the panel if a script sent the request."""
    check = find_check(request, pk)
    try:
        input_checks.cancel_check(check, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    if wants_part(request):
        check.refresh_from_db()
        return show(request, "console/input_checks/input_check.html", {"shown": CheckView(check)})
    return redirect(check)


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int) -> HttpResponseBase:
    """Stream every problem of a check as CSV: the S3 objects are read again, and rows are sent as they are found."""
    check = find_check(request, pk)
    try:
        if check.report is None:
            raise UserError("The check is not done, so there is no report of it yet.")
        found = input_checks.find_all(check)
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(check)
    name = check.input_s3_uri.rstrip("/").rpartition("/")[2]
    return csv_response(f"{name}-problems.csv", COLUMNS, rows(found))


def rows(found: Iterator[Finding]) -> Iterator[tuple[Any, ...]]:
    """Yield *found* as rows of :data:`COLUMNS`."""
    for finding in found:
        place = finding.example
        yield (
            finding.severity,
            finding.message,
            place.file,
            place.line or None,
            place.record_id,
            place.path,
            place.found,
            place.expected,
            finding.bedrock_says,
            finding.code,
        )
