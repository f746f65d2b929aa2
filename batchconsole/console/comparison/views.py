"""Comparisons: the list, one with its records, marks, comparing again, deletion, and the marks as a download."""

import json

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.comparison.export import FORMATS
from batchconsole.console.comparison.page import ComparisonPage
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import Refusal, refuse, show, wants_part
from batchconsole.console.kit.downloads import as_file, begun
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.links import back_to
from batchconsole.console.kit.numbers import read_number, read_numbers
from batchconsole.console.kit.pagination import page_number, paginate
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Comparison
from batchconsole.jobs.outputs import comparing
from batchconsole.jobs.outputs.comparing import Marked
from batchconsole.jobs.outputs.comparison_pages import marked_rows

SIZE = 20


def find_comparison(request: ConsoleRequest, pk: int) -> Comparison:
    comparisons = Comparison.objects.select_related("connection", "created_by")
    comparison: Comparison = get_object_or_404(comparisons, connection=request.connection, pk=pk)
    return comparison


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """List the comparisons of the connection, newest first."""
    rows = Comparison.objects.filter(connection=request.connection).defer("packed").select_related("created_by")
    rows = rows.prefetch_related("jobs")
    page = paginate(rows, number=page_number(request.GET.get("page", "")), size=SIZE)
    return render(request, "console/comparison/comparison_list.html", {"page": page})


@require_POST
def create(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Compare the answers of existing jobs with the same input."""
    keys = list(dict.fromkeys(read_numbers(request.POST.getlist("job"))))[: comparing.MOST_MODELS + 1]
    jobs = list(BatchJob.objects.filter(connection=request.connection, pk__in=keys).select_related("connection"))
    jobs.sort(key=lambda job: keys.index(job.pk))
    try:
        return redirect(comparing.compare_jobs(request.connection, request.user, jobs))
    except UserError as error:
        messages.error(request, sentences(error))
        return redirect(back_to(request, request.connection.get_absolute_url()))


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the jobs and follow them; once they have ended, show a page of their answers side by side."""
    shown = ComparisonPage(find_comparison(request, pk), request.user, request.GET)
    return show(request, "console/comparison/comparison.html", {"shown": shown}, version=shown.version)


@require_POST
def mark(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Mark the better answer to one record, or take the mark back; a script gets the record's buttons again."""
    comparison = find_comparison(request, pk)
    text = request.POST.get("better", "")
    marked = Marked(
        read_number(request.POST.get("position", ""), -1),
        _read_id(request.POST.get("record_id", "")),
        read_number(text, -1) if text != "none" else None,
    )
    try:
        comparing.mark_answer(comparison, request.user, marked)
    except UserError as error:
        return refuse(request, Refusal("The answer was not marked", error.message, error.hint), status=409)
    if not wants_part(request):
        return redirect(_page_of(request, comparison, marked))
    shown = ComparisonPage(comparison, request.user, request.POST)
    context = {"shown": shown, "marks": shown.marks_of(marked.position, marked.record_id), "is_part": True}
    return render(request, "console/comparison/_marks.html", context)


def _read_id(text: str) -> str:
    """Return the record id that the form has as JSON; empty if there is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _page_of(request: ConsoleRequest, comparison: Comparison, marked: Marked) -> str:
    """Return the URL of the page that a form was sent from, at the record that was marked."""
    kept = {name: request.POST[name] for name in ("only", "since", "find", "size") if request.POST.get(name)}
    return f"{comparison.get_absolute_url()}{'?' if kept else ''}{urlencode(kept)}#record-{marked.position}"


@require_POST
def again(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Compare the answers again."""
    comparison = find_comparison(request, pk)
    try:
        comparing.compare_again(comparison, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    return redirect(comparison)


@require_POST
def delete(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Delete the comparison with its marks; its jobs stay."""
    comparison = find_comparison(request, pk)
    try:
        comparing.remove_comparison(comparison, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
        return redirect(comparison)
    messages.success(request, "The comparison and its marks were deleted. Its jobs were kept.")
    return redirect(reverse("comparison-list", args=[request.connection.name]))


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the marks with the answers that they are about."""
    if kind not in FORMATS:
        raise Http404("There is no such file.")
    comparison = find_comparison(request, pk)
    shown = ComparisonPage(comparison, request.user, request.GET)
    write, content_type = FORMATS[kind]
    try:
        stream = begun(write(marked_rows(comparison), shown.sides))
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(comparison)
    return as_file(stream, f"{comparison.title}-marks.{kind}", content_type)
