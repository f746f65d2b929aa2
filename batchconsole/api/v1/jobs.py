"""Jobs: list, create, get, stop, release, hold, move, clone, resend, tag, archive and compare them."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from django.core import signing
from django.db.models import Q
from django.http import Http404, HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError
from ninja.responses import Status as Answer

from batchconsole.api.v1.made_once import answer_made
from batchconsole.api.v1.schemas import (
    CloneIn,
    DifferencesOut,
    IdempotencyKey,
    JobIn,
    JobOut,
    JobsOut,
    Key,
    MadeInputOut,
    PriorityIn,
    ResendIn,
    TagsIn,
    UnholdIn,
)
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs import archiving, creating, lifecycle
from batchconsole.jobs.cloning import request_without_identity
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.definition import differing_fields
from batchconsole.jobs.finding.filters import JobFilter
from batchconsole.jobs.job_rules import FieldProblem
from batchconsole.jobs.models import BatchJob, Connection, JobRequest, MadeInput, Right
from batchconsole.jobs.outputs import resending
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.rights.access import require_on_job
from batchconsole.jobs.tags import ask_for_tags, edit_tags

router = Router(tags=["Jobs"])
SALT = "batchconsole.api.cursor"
MOST_JOBS = 200


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
    jobs = found.qs.filter(_behind(cursor)).select_related("created_by").order_by("-created_at", "-id")
    page = list(jobs[: limit + 1])
    for job in page:
        job.connection = here
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
        resend_of=source_of_resend(here, payload.resend_of_id),
        check_input=payload.check_input,
        start_at=payload.start_at,
    )
    return Answer(201 if is_new else 200, job)


def source_of_resend(connection: Connection, job_id: int | None) -> BatchJob | None:
    """Return the job whose records a new one sends again. Raises Invalid if there is no such job."""
    if job_id is None:
        return None
    found: BatchJob | None = BatchJob.objects.filter(connection=connection, pk=job_id).first()
    if found is None:
        raise Invalid([FieldProblem("resend_of_id", f"There is no job {job_id} in {connection.name}.")])
    return found


def find_job(request: HttpRequest, connection: str, job_id: int, right: Right) -> BatchJob:
    here = find_connection(request, connection, right)
    job: BatchJob | None = here.jobs.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise Http404(f"There is no job {job_id} in {connection}.")
    return job


def own_job(request: HttpRequest, connection: str, job_id: int) -> BatchJob:
    """Return the job. Raises Http404 if it does not exist, NotAllowed if the caller may not act on it."""
    job = find_job(request, connection, job_id, Right.VIEW)
    require_on_job(caller_of(request), job)
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
        MadeInput,
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


@router.post(
    "/{job_id}/tags/read",
    response=JobOut,
    operation_id="read_tags",
    summary="Read the tags of a job that was created elsewhere",
)
def read_tags(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    ask_for_tags(own_job(request, connection, job_id), caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post(
    "/{job_id}/archive",
    response=JobOut,
    operation_id="archive_job",
    summary="Archive a job that has ended",
    description="It is left out of the list, unless a filter asks for archived jobs. Nothing is deleted.",
)
def archive_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    archiving.archive(own_job(request, connection, job_id), caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.post("/{job_id}/unarchive", response=JobOut, operation_id="unarchive_job", summary="Bring an archived job back")
def unarchive_job(request: HttpRequest, connection: ConnectionName, job_id: Key) -> BatchJob:
    archiving.unarchive(own_job(request, connection, job_id), caller_of(request))
    return find_job(request, connection, job_id, Right.VIEW)


@router.get(
    "/{job_id}/differences/{other_id}",
    response=DifferencesOut,
    operation_id="compare_definitions",
    summary="In which fields the definitions of two jobs differ",
)
def compare_definitions(request: HttpRequest, connection: ConnectionName, job_id: Key, other_id: Key) -> dict[str, Any]:
    jobs = [find_job(request, connection, each, Right.VIEW) for each in (job_id, other_id)]
    found = differing_fields(*jobs)
    rows = [{"field": name, "value": values[0], "other_value": values[1]} for name, values in found.items()]
    return {"differences": rows}
