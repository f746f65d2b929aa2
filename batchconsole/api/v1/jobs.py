"""Jobs: list, create, get, stop, release, hold, move, clone, resend and tag them, and read their results."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Annotated, Any

import msgspec
from django.core import signing
from django.db.models import Q
from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from ninja.errors import HttpError
from ninja.responses import Status as Answer

from batchconsole.api.call_limit import headers_of
from batchconsole.api.v1.made_once import answer_made
from batchconsole.api.v1.schemas import (
    CloneIn,
    ErrorGroupOut,
    IdempotencyKey,
    JobIn,
    JobOut,
    JobsOut,
    Key,
    MadeInputOut,
    PriorityIn,
    RecordsOut,
    ResendIn,
    ResultsOut,
    TagsIn,
    UnholdIn,
)
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs import creating, lifecycle
from batchconsole.jobs.audit import count_record_view, record_download
from batchconsole.jobs.cloning import request_without_identity
from batchconsole.jobs.finding.filters import JobFilter
from batchconsole.jobs.models import BatchJob, JobRequest, MadeInput, ResultIndex, Right
from batchconsole.jobs.outputs import resending, result_pages
from batchconsole.jobs.outputs.results import require_reading
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.rights.access import require_on_job
from batchconsole.jobs.tags import edit_tags
from batchconsole.records import exports
from batchconsole.records.selecting import ERRORS, ONLY, ORDERS, UNANSWERED, Wanted

router = Router(tags=["Jobs"])
SALT = "batchconsole.api.cursor"
MOST_JOBS, MOST_RECORDS = 200, 100


@router.get("/", response=JobsOut, operation_id="list_jobs", summary="List jobs, newest first")
def list_jobs(
    request: HttpRequest,
    connection: ConnectionName,
    q: Annotated[str, Query(max_length=200, description="A text in the name or model, an ARN, or an id.")] = "",
    f: Annotated[list[str], Query(description="Filters as in the list's address: `status=Failed`, `name:night`.")] = [],  # noqa: B006 - pydantic copies it
    status: Annotated[list[str], Query(description="Statuses, or groups of them such as `running`.")] = [],  # noqa: B006 - as above
    join: Annotated[str, Query(pattern="^(any|all)$")] = "all",
    limit: Annotated[int, Query(ge=1, le=MOST_JOBS)] = 50,
    cursor: str = "",
) -> dict[str, Any]:
    here = find_connection(request, connection, Right.VIEW)
    query = request.GET.copy()
    found = JobFilter.of(query, BatchJob.objects.filter(connection=here))
    if found.dropped:
        raise HttpError(422, f"These filters make no sense: {', '.join(found.dropped)}.")
    jobs = found.qs.filter(_behind(cursor)).select_related("connection", "created_by").order_by("-created_at", "-id")
    page = list(jobs[: limit + 1])
    more = len(page) > limit
    return {"jobs": page[:limit], "next_cursor": _cursor(page[limit - 1]) if more else None}


def _cursor(last: BatchJob) -> str:
    return signing.dumps([last.created_at.isoformat(), last.pk], salt=SALT)


def _behind(cursor: str) -> Q:
    if not cursor:
        return Q()
    try:
        moment, number = signing.loads(cursor, salt=SALT)
    except signing.BadSignature as error:
        raise HttpError(422, "The cursor is not one that was given out.") from error
    at = datetime.fromisoformat(moment)
    return Q(created_at__lt=at) | Q(created_at=at, id__lt=number)


@router.post(
    "/",
    response={201: JobOut, 200: JobOut},
    operation_id="create_job",
    summary="Create a job",
    description="It is checked, unless you say otherwise, and submitted when its model's quota has a place.",
)
def create_job(
    request: HttpRequest,
    connection: ConnectionName,
    payload: JobIn,
    idempotency_key: IdempotencyKey = "",
) -> Answer[BatchJob]:
    here = find_connection(request, connection, Right.SUBMIT)
    asked = JobRequest.from_fields(payload.model_dump())
    job, is_new = creating.create_once(
        here,
        caller_of(request),
        asked,
        key=idempotency_key,
        check_input=payload.check_input,
        start_at=payload.start_at,
    )
    return Answer(201 if is_new else 200, job)


def find_job(request: HttpRequest, connection: str, job_id: int, right: Right) -> BatchJob:
    here = find_connection(request, connection, right)
    jobs = BatchJob.objects.select_related("connection", "created_by")
    job: BatchJob | None = jobs.filter(connection=here, pk=job_id).first()
    if job is None:
        raise Http404(f"There is no job {job_id} in {connection}.")
    return job


def own_job(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    """Return the job. Raises Http404 if it does not exist, NotAllowed if the caller may not act on it."""
    job = find_job(request, connection, job_id, Right.VIEW)
    require_on_job(caller_of(request), job)
    return job


def readable_job(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    """Return the job. Raises Http404 if it does not exist, NotAllowed if the caller may not read its records."""
    job = find_job(request, connection, job_id, Right.READ)
    require_reading(caller_of(request), job)
    return job


@router.get("/{job_id}", response=JobOut, operation_id="get_job", summary="Get a job")
def get_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    return find_job(request, connection, job_id, Right.VIEW)


@router.post("/{job_id}/stop", response=JobOut, operation_id="stop_job", summary="Stop a job")
def stop_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    job = own_job(request, connection, job_id)
    lifecycle.stop(job, caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post(
    "/{job_id}/release", response=JobOut, operation_id="release_job", summary="Submit a job in spite of its check"
)
def release_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    job = own_job(request, connection, job_id)
    lifecycle.release(job, caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post("/{job_id}/hold", response=JobOut, operation_id="hold_job", summary="Hold a job in the queue")
def hold_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    job = own_job(request, connection, job_id)
    waiting.hold(job, caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post(
    "/{job_id}/unhold", response=JobOut, operation_id="unhold_job", summary="Release a job that is held, or approve it"
)
def unhold_job(request: HttpRequest, connection: ConnectionName, job_id: Key, payload: UnholdIn) -> BatchJob:
    job = own_job(request, connection, job_id)
    waiting.unhold(job, caller_of(request), comment=payload.comment)
    return find_job(request, connection, job_id, Right.VIEW)


@router.put(
    "/{job_id}/priority", response=JobOut, operation_id="set_priority", summary="Change a job's priority in the queue"
)
def set_priority(request: HttpRequest, connection: ConnectionName, job_id: Key, payload: PriorityIn) -> BatchJob:
    job = find_job(request, connection, job_id, Right.OPERATE)
    waiting.set_priority(job, caller_of(request), payload.priority)
    return find_job(request, connection, job_id, Right.VIEW)


@router.post(
    "/{job_id}/front", response=JobOut, operation_id="move_to_front", summary="Put a job before all others of its model"
)
def move_to_front(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    job = find_job(request, connection, job_id, Right.OPERATE)
    waiting.move_to_front(job, caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post(
    "/{job_id}/clone",
    response={201: JobOut, 200: JobOut},
    operation_id="clone_job",
    summary="Create the same job again",
)
def clone_job(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    payload: CloneIn,
    idempotency_key: IdempotencyKey = "",
) -> Answer[BatchJob]:
    source = find_job(request, connection, job_id, Right.SUBMIT)
    asked = request_without_identity(source)
    job, is_new = creating.create_once(
        source.connection,
        caller_of(request),
        JobRequest.from_fields(asked | {"job_name": payload.job_name}),
        key=idempotency_key,
        check_input=payload.check_input,
        clone_of=source,
        start_at=payload.start_at,
    )
    return Answer(201 if is_new else 200, job)


@router.post(
    "/{job_id}/resend",
    response={201: MadeInputOut, 200: MadeInputOut},
    operation_id="resend_job",
    summary="Write the records that failed, or were not answered, as a new input",
)
def resend_job(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    payload: ResendIn,
    idempotency_key: IdempotencyKey = "",
) -> Answer[MadeInput]:
    job = own_job(request, connection, job_id)
    others = resending.mergeable(job).filter(pk__in=payload.merges)
    if missing := set(payload.merges) - {each.pk for each in others}:
        raise HttpError(422, f"These jobs cannot go along: {', '.join(map(str, sorted(missing)))}.")
    return answer_made(
        job.connection,
        caller_of(request),
        key=idempotency_key,
        asked=[job.pk, payload.model_dump()],
        make=partial(
            resending.start_resend,
            job,
            caller_of(request),
            failed=payload.failed,
            unanswered=payload.unanswered,
            merges=list(others),
            at_least=payload.at_least,
        ),
    )


@router.put("/{job_id}/tags", response=JobOut, operation_id="replace_tags", summary="Replace a job's tags")
def replace_tags(request: HttpRequest, connection: ConnectionName, job_id: Key, payload: TagsIn) -> BatchJob:
    job = own_job(request, connection, job_id)
    tags = [tag.model_dump() for tag in payload.tags]
    creating.check_tags(job, tags)
    edit_tags(job, caller_of(request), tags)
    return find_job(request, connection, job_id, Right.VIEW)


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


@router.get(
    "/{job_id}/output",
    operation_id="download_output",
    summary="All output lines of a job",
    openapi_extra={"responses": {200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}}},
)
def download_output(request: HttpRequest, connection: ConnectionName, job_id: Key) -> StreamingHttpResponse:
    job = _with_results(request, connection, job_id)
    return _stream(request, job, _lines(job))


def _lines(job: BatchJob) -> Iterator[bytes]:
    for file in result_pages.output_files(job):
        yield from file.open(start=0)


@router.get(
    "/{job_id}/export",
    operation_id="export_records",
    summary="Each record with its answer, joined with the resends where you ask for it",
    openapi_extra={"responses": {200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}}},
)
def export_records(
    request: HttpRequest,
    connection: ConnectionName,
    job_id: Key,
    resends: Annotated[bool, Query(description="The newest answer of each record counts.")] = False,
    order: Annotated[str, Query(pattern="^(|input)$", description="Empty: that of the output.")] = "",
) -> StreamingHttpResponse:
    job = _with_results(request, connection, job_id)
    rows = resending.joined(job, with_resends=resends, in_input_order=order == "input")
    fields = resending.schema_fields(job, with_resends=resends)
    return _stream(request, job, exports.jsonl(rows, fields))


def _with_results(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    job = readable_job(request, connection, job_id)
    if job.results != BatchJob.Results.READY:
        raise HttpError(409, "The results of this job have not been read. Wait for them.")
    return job


def _stream(request: HttpRequest, job: BatchJob, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """Return a response that streams *pieces*. The first one is read before it starts, so errors get a status."""
    first = next(pieces, b"")
    record_download(job, caller_of(request), target=request.path)
    return StreamingHttpResponse(chain([first], pieces), content_type="application/jsonl", headers=headers_of(request))
