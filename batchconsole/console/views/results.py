"""What a job answered, to take away and to send again: all records joined as a file, the failed as a new input."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.results_tab import count_unanswered, read_totals
from batchconsole.console.views.job import find
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
LEAST_RECORDS = 100
MOST_OTHERS = 20


@require_safe
def export(request: ConsoleRequest, connection: str, pk: int, kind: str) -> HttpResponse | StreamingHttpResponse:
    """All records of the job joined with their input, and with its resends when ``?resends=1``, as a file."""
    job = find(request, pk)
    if kind not in FORMATS or job.results != BatchJob.Results.READY:
        raise Http404("There is no such file.")
    write, content_type = FORMATS[kind]
    with_resends = request.GET.get("resends") == "1"
    try:
        stream = begun(write(resending.joined(job, with_resends=with_resends)))
    except (AwsError, UserError) as error:
        messages.error(request, f"{error.message} {error.hint}".strip())
        return redirect(f"{job.get_absolute_url()}?tab=results")
    response = StreamingHttpResponse(stream, content_type=content_type)
    name = f"{job.job_name}{'-with-resends' if with_resends else ''}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def begun(stream: Iterator[bytes]) -> Iterator[bytes]:
    """*stream* after its first piece was made, so that what is wrong shows before the answer begins."""
    first = next(stream, b"")
    return chain([first], stream)


@require_http_methods(["GET", "HEAD", "POST"])
def resend(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask which records to send again; or have them written, and follow that on a page of its own."""
    job = find(request, pk)
    others = list(resending.mergeable(job)[:MOST_OTHERS])
    chosen = [other for other in others if str(other.pk) in request.POST.getlist("merges")]
    problem = None
    if request.method == "POST":
        try:
            made = resending.start(
                job,
                request.user,
                failed="failed" in request.POST.getlist("outcomes"),
                unanswered="unanswered" in request.POST.getlist("outcomes"),
                merges=chosen,
                at_least=LEAST_RECORDS if request.POST.get("pad") else 0,
            )
        except UserError as error:
            problem = error
        else:
            return redirect(made)
    context = {
        "job": job,
        "failed": read_totals(job).failed,
        "unanswered": count_unanswered(job),
        "least": LEAST_RECORDS,
        "others": others,
        "chosen": chosen,
        "problem": problem,
    }
    return render(request, "console/job_resend.html", context, status=200 if problem is None else 422)
