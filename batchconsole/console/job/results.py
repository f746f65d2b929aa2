"""Downloads of a job's results (joined records, the answered table), and resending failed or unanswered records."""

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job.resend_question import ResendQuestion
from batchconsole.console.job.results_tab import read_wanted
from batchconsole.console.job.views import find_job, find_readable
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.downloads import FORMATS, as_file, begun
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.sent_twice import request_mark
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import making
from batchconsole.jobs.inputs.answered_tables import read_answered_table, table_of
from batchconsole.jobs.models import BatchJob, MadeInput
from batchconsole.jobs.outputs import resending
from batchconsole.jobs.same_request import made_once
from batchconsole.records import exports
from batchconsole.records.selecting import INPUT, select


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the job's records joined with their input: all of them, or those that the query string selects.

    ``?resends=1`` includes the records of resends; ``?order=input`` keeps the order of the input.
    """
    job = find_readable(request, pk)
    if kind not in FORMATS or job.results != BatchJob.Results.READY:
        raise Http404("There is no such file.")
    write, content_type = FORMATS[kind]
    if kind == "csv" and request.GET.get("excel") == "1":
        write = partial(exports.as_csv, for_excel=True)
    with_resends, wanted = request.GET.get("resends") == "1", read_wanted(request.GET)
    try:
        rows = resending.joined(job, with_resends=with_resends, in_input_order=wanted.order == INPUT)
        fields = resending.schema_fields(job, with_resends=with_resends)
        stream = begun(write(select(rows, wanted), fields))
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(f"{job.get_absolute_url()}?tab=results")
    return as_file(stream, f"{job.job_name}{'-with-resends' if with_resends else ''}.{kind}", content_type)


@require_safe
def table(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """Stream the table that the input was made from, in its own order, with columns for the answers."""
    job = find_readable(request, pk)
    made = table_of(job) if job.results == BatchJob.Results.READY else None
    if made is None or kind not in ("csv", "parquet"):
        raise Http404("There is no such file.")
    with_resends = BatchJob.objects.resends_of([job]).exists()
    try:
        names, pairs = read_answered_table(job, made, request.user, with_resends=with_resends)
        sheet = exports.AnsweredTable(names, resending.schema_fields(job, with_resends=with_resends))
        for_excel = request.GET.get("excel") == "1"
        stream = begun(sheet.as_csv(pairs, for_excel=for_excel) if kind == "csv" else sheet.as_parquet(pairs))
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(f"{job.get_absolute_url()}?tab=results")
    stem = made.source_name.rpartition(".")[0] or made.source_name
    return as_file(stream, f"{stem}-answered.{kind}", FORMATS[kind][1])


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the resend form; on POST, search for other jobs or start the resend and redirect to its progress page."""
    job = find_job(request, pk)
    question = ResendQuestion(job, request.POST if request.method == "POST" else drafts.restored(request))
    if request.method == "POST" and "search" not in request.POST:
        return start_resend(request, question)
    context = {"job": job, "question": question}
    return show(request, "console/job/job_resend.html", context, part="console/job/_resend_others.html")


def start_resend(request: ConsoleRequest, question: ResendQuestion) -> HttpResponse:
    """Start the resend and go on to the form for its job, or to the page that follows a worker at a large one."""
    mark, job = request_mark(request.POST), question.job
    is_small = resending.is_small(job, question.picked)
    make = partial(
        resending.start_resend,
        job,
        request.user,
        failed=question.sends_failed,
        unanswered=question.sends_unanswered,
        merges=question.picked,
        at_least=question.least if question.pads else 0,
        request_token=mark,
        is_nudged=not is_small,
    )
    try:
        made = made_once(MadeInput, job.connection, request.user, token=mark, make=make)
    except UserError as error:
        context = {"job": question.job, "question": question, "problem": error}
        return render(request, "console/job/job_resend.html", context, status=422)
    if is_small and not made.is_finished:
        making.make_input(made)
        made.refresh_from_db()
    if made.state != MadeInput.State.DONE:
        return redirect(made)
    words = "record was" if made.records == 1 else "records were"
    messages.success(request, f"{made.records:,} {words} written to {made.output_s3_uri}.")
    form = "job-on-demand" if question.is_on_demand else "job-create"
    return redirect(f"{reverse(form, args=[job.connection.name])}?{urlencode(made.form_fields)}")
