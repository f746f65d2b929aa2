"""Results of jobs: counts, errors by message, records by page, and downloads in several formats."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from ninja.errors import HttpError

from batchconsole.api.v1.jobs import find_job, own_job
from batchconsole.api.v1.schemas import ErrorGroupOut, JobOut, Key, RecordsOut, ResultsOut
from batchconsole.api.v1.scope import ConnectionName, caller_of
from batchconsole.api.v1.streams import DOWNLOADS, Format, described, stream
from batchconsole.jobs.audit import count_record_view, record_download
from batchconsole.jobs.inputs.answered_tables import read_answered_table, table_of
from batchconsole.jobs.models import BatchJob, ResultIndex, Right
from batchconsole.jobs.outputs import resending, result_pages
from batchconsole.jobs.outputs.results import request_results, require_reading
from batchconsole.records import exports
from batchconsole.records.selecting import ERRORS, ONLY, ORDERS, UNANSWERED, Wanted

router = Router(tags=["Results"])
MOST_RECORDS = 100


def readable_job(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    """Return the job. Raises Http404 if it does not exist, NotAllowed if the caller may not read its records."""
    job = find_job(request, connection, job_id, Right.READ)
    require_reading(caller_of(request), job)
    return job


@router.get("/{job_id}/results", response=ResultsOut, operation_id="get_results", summary="Counts and errors of a job")
def get_results(request: HttpRequest, connection: ConnectionName, job_id: Key) -> dict[str, Any]:
    job = readable_job(request, connection, job_id)
    stored = ResultIndex.objects.filter(job=job).first()
    totals = msgspec.to_builtins(stored.totals) if stored else None
    return {"state": job.results, "error": job.results_error, "totals": totals}


@router.get(
    "/{job_id}/errors", response=list[ErrorGroupOut], operation_id="list_errors", summary="Errors by their message"
)
def list_errors(request: HttpRequest, connection: ConnectionName, job_id: Key) -> list[Any]:
    job = readable_job(request, connection, job_id)
    stored = ResultIndex.objects.filter(job=job).first()
    return list(stored.totals.errors) if stored else []


@router.get("/{job_id}/records", response=RecordsOut, operation_id="list_records", summary="A page of a job's records")
def list_records(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    page: Annotated[int, Query(ge=1, le=10**9)] = 1,
    size: Annotated[int, Query(ge=1, le=MOST_RECORDS)] = 50,
    only_errors: bool = False,
    only: Annotated[str, Query(pattern=f"^({'|'.join(ONLY)})$", description="Records of that outcome.")] = "",
    order: Annotated[str, Query(pattern=f"^({'|'.join(ORDERS)})$", description="Empty: that of the output.")] = "",
    stop: Annotated[str | None, Query(max_length=100, description="A stop reason.")] = None,
    find: Annotated[str, Query(max_length=200, description="A record's id, or a text in question or answer.")] = "",
    since: Annotated[int, Query(ge=0, le=10**9, description="Where a search goes on.")] = 0,
) -> dict[str, Any]:
    job = readable_job(request, connection, job_id)
    count_record_view(job, caller_of(request))
    wanted = Wanted(only=ERRORS if only_errors else only, stop=stop, order=order)
    if find:
        found = result_pages.find_records(job, find, since=since, at_most=size, wanted=wanted)
        return {"count": len(found.rows), "page": 1, "records": _records(found.rows), "next": found.next}
    if wanted.only == UNANSWERED:
        shown = result_pages.read_unanswered(job, page, size=size)
    else:
        shown = result_pages.read_page(job, page, size=size, wanted=wanted)
    return {"count": shown.count, "page": shown.number, "records": _records(shown.rows)}


def _records(rows: list[result_pages.ResultRow]) -> list[dict[str, Any]]:
    return [{"position": row.position, **_record(row)} for row in rows]


def _record(row: result_pages.ResultRow) -> dict[str, Any]:
    record = row.record
    names = ("record_id", "answer", "stop_reason", "input_tokens", "output_tokens", "error_code", "error_message")
    return {name: getattr(record, name) for name in names}


@router.post(
    "/{job_id}/results/read", response=JobOut, operation_id="read_results", summary="Read the output of a job again"
)
def read_results(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    job = own_job(request, connection, job_id)
    request_results(job, caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.get(
    "/{job_id}/output",
    operation_id="download_output",
    summary="All output lines of a job",
    openapi_extra=described("jsonl"),
)
def download_output(request: HttpRequest, connection: ConnectionName, job_id: Key) -> StreamingHttpResponse:
    job = _with_results(request, connection, job_id)
    return _download(request, job, _lines(job))


def _lines(job: BatchJob) -> Iterator[bytes]:
    for file in result_pages.output_files(job):
        yield from file.open(start=0)


@router.get(
    "/{job_id}/export",
    operation_id="export_records",
    summary="Each record with its answer, joined with the resends where you ask for it",
    openapi_extra=described(*DOWNLOADS),
)
def export_records(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    resends: Annotated[bool, Query(description="The newest answer of each record counts.")] = False,
    order: Annotated[str, Query(pattern="^(|input)$", description="Empty: that of the output.")] = "",
    format: Format = "jsonl",
) -> StreamingHttpResponse:
    job = _with_results(request, connection, job_id)
    rows = resending.joined(job, with_resends=resends, in_input_order=order == "input")
    fields = resending.schema_fields(job, with_resends=resends)
    return _download(request, job, DOWNLOADS[format].write(rows, fields), format)


@router.get(
    "/{job_id}/table",
    operation_id="export_table",
    summary="The table that the input was made from, with columns for the answers",
    openapi_extra=described("csv", "parquet"),
)
def export_table(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    format: Annotated[str, Query(pattern="^(csv|parquet)$")] = "csv",
) -> StreamingHttpResponse:
    job = _with_results(request, connection, job_id)
    made = table_of(job)
    if made is None:
        raise Http404("The input of this job was not made from a table in S3.")
    with_resends = BatchJob.objects.resends_of([job]).exists()
    names, pairs = read_answered_table(job, made, caller_of(request), with_resends=with_resends)
    sheet = exports.AnsweredTable(names, resending.schema_fields(job, with_resends=with_resends))
    pieces = sheet.as_parquet(pairs) if format == "parquet" else sheet.as_csv(pairs)
    return _download(request, job, pieces, format)


def _with_results(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    job = readable_job(request, connection, job_id)
    if job.results != BatchJob.Results.READY:
        raise HttpError(409, "The results of this job have not been read. Wait for them.")
    return job


def _download(
    request: HttpRequest, job: BatchJob, pieces: Iterator[bytes], kind: str = "jsonl"
) -> StreamingHttpResponse:
    response = stream(request, pieces, kind)
    record_download(job, caller_of(request), target=request.path)
    return response
