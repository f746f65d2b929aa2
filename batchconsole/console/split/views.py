"""The page of a split: its progress and its jobs, cancellation, retry, and the joined answers as a download."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.downloads import FORMATS, as_file, begun
from batchconsole.console.kit.errors import sentences
from batchconsole.console.split.page import SplitPage
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.models import Actor, InputSplit
from batchconsole.jobs.outputs.results import require_reading
from batchconsole.records import exports


def find_split(request: ConsoleRequest, pk: int) -> InputSplit:
    splits = InputSplit.objects.select_related("connection", "created_by")
    split: InputSplit = get_object_or_404(splits, connection=request.connection, pk=pk)
    return split


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the split and follow it, first the worker and then the jobs."""
    shown = SplitPage(find_split(request, pk))
    return show(request, "console/split/split.html", {"shown": shown}, version=shown.version)


@require_POST
def cancel(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Cancel the split before its jobs are created."""
    return _acted(request, pk, splitting.cancel_split)


@require_POST
def retry(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Go on with a split that has failed."""
    return _acted(request, pk, splitting.retry_split)


def _acted(request: ConsoleRequest, pk: int, verb: Callable[[InputSplit, Actor], None]) -> HttpResponse:
    split = find_split(request, pk)
    try:
        verb(split, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    return redirect(split)


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the answers of all jobs in the order of the input, one row per record, resends included."""
    shown = SplitPage(find_split(request, pk))
    if kind not in FORMATS or not shown.can_join:
        raise Http404("There is no such file.")
    require_reading(request.user, shown.jobs[0])
    write, content_type = FORMATS[kind]
    if kind == "csv" and request.GET.get("excel") == "1":
        write = partial(exports.as_csv, for_excel=True)
    try:
        stream = begun(write(splitting.joined(shown.jobs), splitting.schema_fields(shown.jobs)))
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(shown.split)
    return as_file(stream, f"{shown.split.request.job_name}.{kind}", content_type)
