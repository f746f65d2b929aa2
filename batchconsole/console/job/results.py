"""What a job answered, to take away and to send again: all records joined as a file, the failed as a new input."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job.resend_question import ResendQuestion
from batchconsole.console.job.views import find
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs import resending
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob
from batchconsole.records import exports
from batchconsole.records.joining import Row

FORMATS: dict[str, tuple[Callable[[Iterable[Row]], Iterator[bytes]], str]] = {
    "jsonl": (exports.jsonl, "application/x-ndjson"),
    "csv": (exports.as_csv, "text/csv; charset=utf-8"),
    "parquet": (exports.as_parquet, "application/vnd.apache.parquet"),
}


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """All records of the job joined with their input, and with its resends when ``?resends=1``, as a file."""
    job = find(request, pk)
    if kind not in FORMATS or job.results != BatchJob.Results.READY:
        raise Http404("There is no such file.")
    write, content_type = FORMATS[kind]
    if kind == "csv" and request.GET.get("excel") == "1":
        write = partial(exports.as_csv, for_excel=True)
    with_resends = request.GET.get("resends") == "1"
    try:
        stream = begun(write(resending.joined(job, with_resends=with_resends)))
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
        return redirect(f"{job.get_absolute_url()}?tab=results")
    response = StreamingHttpResponse(stream, content_type=content_type)
    name = f"{job.job_name}{'-with-resends' if with_resends else ''}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def begun(stream: Iterator[bytes]) -> Iterator[bytes]:
    """*stream* after its first piece was made, so that what is wrong shows before the answer begins."""
    first = next(stream, b"")
    return chain([first], stream)


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask which records to send again; look for other jobs on the way; or have them written, and follow that."""
    job = find(request, pk)
    question = ResendQuestion(job, request.POST if request.method == "POST" else drafts.restored(request))
    if request.method == "POST" and "search" not in request.POST:
        return start_resend(request, question)
    context = {"job": job, "question": question}
    return show(request, "console/job/job_resend.html", context, part="console/job/_resend_others.html")


def start_resend(request: ConsoleRequest, question: ResendQuestion) -> HttpResponse:
    try:
        made = resending.start(
            question.job,
            request.user,
            failed=question.sends_failed,
            unanswered=question.sends_unanswered,
            merges=question.picked,
            at_least=question.least if question.pads else 0,
        )
    except UserError as error:
        context = {"job": question.job, "question": question, "problem": error}
        return render(request, "console/job/job_resend.html", context, status=422)
    return redirect(made)
