"""The page of one job with a URL for each tab; its record and download views; and the release action."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import CheckView
from batchconsole.console.job.results_tab import read_errors, read_raw, read_results, read_totals
from batchconsole.console.job.stages import pace, stages, times_entered
from batchconsole.console.kit.answers import show, version_of
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs import definition, lifecycle
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import BatchJob, ComparedJob, Comparison, Event, SplitPart, Status
from batchconsole.jobs.models.job_note import LONGEST_NOTE
from batchconsole.jobs.on_demand.deadlines import note_on
from batchconsole.jobs.outputs.results import request_results, require_reading
from batchconsole.jobs.queue.queue_places import why_waiting
from batchconsole.jobs.queue.waiting import may_release
from batchconsole.jobs.warnings import warning_of
from batchconsole.records.results import ErrorGroup

TABS = {
    "details": "Details",
    "check": "Check",
    "results": "Results",
    "errors": "Errors",
    "activity": "Activity",
    "definition": "Definition",
    "tags": "Tags",
}
OF_RECORDS = {"results", "errors"}
EVENTS_SHOWN = 200
RELATED_SHOWN = 20
NOTES_SHOWN = 100
JSON_USE = "Saved as request.json: aws bedrock create-model-invocation-job --cli-input-json file://request.json"


def find_job(request: ConsoleRequest, pk: int) -> BatchJob:
    # Few jobs come from another one, so that one is no join, whose many columns would cost every page.
    jobs = request.connection.jobs.select_related("created_by", "held_by", "input_check")
    jobs = jobs.prefetch_related("resend_of__connection", "clone_of__connection")
    compared = ComparedJob.objects.filter(Q(job=OuterRef("pk")) | Q(job=OuterRef("clone_of")))
    jobs = jobs.annotate(may_be_compared=Exists(compared))  # which few are, so that the others cost no query of it
    jobs = jobs.defer("input_check__report_json", "input_check__preview_json")  # large, and used by one tab only
    job: BatchJob = get_object_or_404(jobs, pk=pk)
    return job


def find_readable(request: ConsoleRequest, pk: int) -> BatchJob:
    """Return the job if the signed-in user may read its records. Raises NotAllowed."""
    job = find_job(request, pk)
    require_reading(request.user, job)
    return job


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    job = find_job(request, pk)
    events = list(job.events.select_related("actor")[:EVENTS_SHOWN])
    waits = why_waiting(job)
    warning = warning_of(job)
    deadline = note_on(job, events) if warning else ""
    version = make_version(request, job, events, [waits, warning, deadline])
    tabs = tabs_of(request, job)
    tab = request.GET.get("tab", "")
    tab = tab if tab in tabs else first_tab(job)
    context = {
        "job": job,
        "events": events,
        "pace": pace(job, times_entered(job, events)),
        "waits": waits,
        "warning": warning,
        "deadline": deadline,
        "may_release": job.is_held and may_release(job, request.user),
        "version": version,
        "tab": tab,
        "tabs": tabs,
        "tab_template": f"console/job/_{tab}.html",
        "main_error": most_frequent_error(job) if "errors" in tabs else None,
        **READ_TAB.get(tab, no_more)(request, job, events),
    }
    return show(request, "console/job/job_detail.html", context, version=version)


def tabs_of(request: ConsoleRequest, job: BatchJob) -> dict[str, str]:
    """Return the titles of the visible tabs by name.

    Check is hidden for jobs without an input check, Results and Errors from users who may not read records.
    """
    hidden = set() if job.check_input else {"check"}
    try:
        require_reading(request.user, job)
    except NotAllowed:
        hidden |= OF_RECORDS
    return {name: title for name, title in TABS.items() if name not in hidden}


def most_frequent_error(job: BatchJob) -> ErrorGroup | None:
    """Return the most frequent error of a job; None without errors or before its output has been read."""
    groups = read_totals(job).errors if job.has_errors else []
    return max(groups, key=lambda group: group.count, default=None)


def first_tab(job: BatchJob) -> str:
    """Return the tab to open by default: Check while the input check runs or after it rejected the job, or Details."""
    return "check" if job.check_input and job.status in {Status.CHECKING, Status.REJECTED} else "details"


def make_version(request: ConsoleRequest, job: BatchJob, events: list[Event], told: list[object]) -> str:
    """Return the version of the page, which changes with its URL and with anything it shows."""
    check = job.input_check
    return version_of(
        request.get_full_path(),
        check and CheckView(check).version,
        job.modified_at,
        job.tags_unread,
        job.status,
        job.results,
        events[0].pk if events else 0,
        job.connection.sync_error,
        told,
    )


def no_more(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    return {}


def read_details(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    return {
        "stages": stages(job, events),
        "part": SplitPart.objects.filter(job=job).prefetch_related("split__connection").first(),
        "comparisons": read_comparisons(job),
        "files": job.result_files.all()[:100],
        "resent": [each for each in (job.resend_of, *job.merges.prefetch_related("connection")) if each],
        "resends": BatchJob.objects.resends_of([job]).prefetch_related("connection")[:RELATED_SHOWN],
        "clones": job.clones.prefetch_related("connection")[:RELATED_SHOWN],
        "notes": job.notes.select_related("created_by")[:NOTES_SHOWN],
        "longest_note": LONGEST_NOTE,
        "note_draft": drafts.restored_value(request, "text"),
    }


def read_comparisons(job: BatchJob) -> Sequence[Comparison]:
    """Return the comparisons that show *job*, which :func:`find_job` has read."""
    if not getattr(job, "may_be_compared", True):
        return []
    return list(Comparison.objects.of_job(job).select_related("connection").defer("packed")[:RELATED_SHOWN])


def read_check(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    """Return the context of the Check tab. The page polls for changes, so the check inside it does not."""
    return {"shown": CheckView(job.input_check, is_alone=False, job=job)} if job.input_check else {}


def read_definition(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    return {
        "ways": [
            ("cli", "AWS CLI", definition.as_cli(job.connection, job.request), "For a POSIX shell."),
            ("boto3", "Python (boto3)", definition.as_boto3(job.connection, job.request), ""),
            ("json", "JSON request", definition.as_json(job.request), JSON_USE),
        ]
    }


def read_output(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    return read_results(request, job) if job.results == BatchJob.Results.READY else {}


def read_error_groups(request: ConsoleRequest, job: BatchJob, events: list[Event]) -> dict[str, Any]:
    return read_errors(request, job)


READ_TAB = {
    "details": read_details,
    "check": read_check,
    "results": read_output,
    "errors": read_error_groups,
    "definition": read_definition,
}


@require_safe
def record(request: ConsoleRequest, connection: str, pk: int, position: int) -> HttpResponse:
    """Show one record as AWS wrote it, as a page or as the body of a dialog."""
    job = find_readable(request, pk)
    context: dict[str, Any] = {"job": job, "position": position}
    try:
        context["raw"] = read_raw(job, position)
    except AwsError as error:
        context["error"] = error
    else:
        if context["raw"] is None:
            raise Http404(f"{job.job_name} has no record {position}.")
    return show(request, "console/job/record.html", context)


@require_POST
def collect(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Request that the output is read again."""
    job = find_job(request, pk)
    try:
        request_results(job, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    return redirect(f"{job.get_absolute_url()}?tab=results")


@require_safe
def download(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Redirect to the S3 download of an output file of the job or of its manifest."""
    job = find_job(request, pk)
    key = request.GET.get("key", "")
    folder = job.output_folder
    if not folder or not f"s3://{key}".startswith(folder):
        raise Http404("That is not a file of this job's output.")
    return redirect(f"{reverse('s3-download', args=[connection])}?{urlencode({'uri': f's3://{key}'})}")


@require_POST
def release(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Queue a job despite the findings of its input check."""
    job = find_job(request, pk)
    try:
        lifecycle.release(job, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, f"{job.job_name} was sent to the queue.")
    return redirect(job)
