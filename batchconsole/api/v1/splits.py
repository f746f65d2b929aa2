"""Splits: an input that is too large for one job becomes a job for each of its parts; their answers are read as one."""

from functools import partial
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Router
from ninja.errors import HttpError
from ninja.responses import Status as Answer

from batchconsole.api.v1.jobs import source_of_resend
from batchconsole.api.v1.made_once import answer_made
from batchconsole.api.v1.schemas import IdempotencyKey, Key
from batchconsole.api.v1.schemas_of_splits import SplitIn, SplitOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.api.v1.streams import DOWNLOADS, Format, described, stream
from batchconsole.jobs.account import account_id
from batchconsole.jobs.audit import record_download
from batchconsole.jobs.creating import Invalid, start_problems
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.job_rules import find_problems
from batchconsole.jobs.models import Connection, InputCheck, InputSplit, JobRequest, Right
from batchconsole.jobs.outputs.results import require_reading

router = Router(tags=["Splits"])


@router.post(
    "/",
    response={201: SplitOut, 200: SplitOut},
    operation_id="split_input",
    summary="Split an input that is too large, and create a job for each part",
    description="Check the input first: a check whose `split` is not null offers it.",
)
def split_input(
    request: HttpRequest, connection: ConnectionName, payload: SplitIn, idempotency_key: IdempotencyKey = ""
) -> Answer[Any]:
    here, actor = find_connection(request, connection, Right.SUBMIT), caller_of(request)
    make = partial(_start, request, here, payload)
    answer = answer_made(InputSplit, here, actor, key=idempotency_key, asked=payload.model_dump(), make=make)
    return Answer(answer.status_code, SplitOut.of(answer.value))


def _start(request: HttpRequest, here: Connection, payload: SplitIn, *, request_token: str = "") -> InputSplit:
    asked = JobRequest.from_fields(payload.model_dump())
    account_id(here)
    problems = find_problems(here, asked) + start_problems(payload.start_at)
    if problems:
        raise Invalid(problems)
    checks = InputCheck.objects.select_related("connection")
    splitting.require_offer(checks.filter(connection=here, pk=payload.check_id).first(), asked)
    return splitting.start_split(
        here,
        caller_of(request),
        asked,
        place=splitting.place_of_parts(here, asked, mark=uuid4().hex[:8]),
        check_input=payload.check_input,
        start_at=payload.start_at,
        resend_of=source_of_resend(here, payload.resend_of_id),
        request_token=request_token,
    )


def find_split(request: HttpRequest, connection: str, split_id: int, right: Right = Right.VIEW) -> InputSplit:
    here = find_connection(request, connection, right)
    splits = InputSplit.objects.select_related("connection", "created_by")
    found: InputSplit | None = splits.filter(connection=here, pk=split_id).first()
    if found is None:
        raise Http404(f"There is no split {split_id} in {connection}.")
    return found


@router.get("/{split_id}", response=SplitOut, operation_id="get_split", summary="How far a split is, and its jobs")
def get_split(request: HttpRequest, connection: ConnectionName, split_id: Key) -> SplitOut:
    return SplitOut.of(find_split(request, connection, split_id))


@router.post(
    "/{split_id}/cancel", response=SplitOut, operation_id="cancel_split", summary="End a split before its jobs exist"
)
def cancel_split(request: HttpRequest, connection: ConnectionName, split_id: Key) -> SplitOut:
    split = find_split(request, connection, split_id)
    splitting.cancel_split(split, caller_of(request))
    return SplitOut.of(split)


@router.post(
    "/{split_id}/retry", response=SplitOut, operation_id="retry_split", summary="Go on with a split that has failed"
)
def retry_split(request: HttpRequest, connection: ConnectionName, split_id: Key) -> SplitOut:
    splitting.retry_split(find_split(request, connection, split_id), caller_of(request))
    return SplitOut.of(find_split(request, connection, split_id))


@router.get(
    "/{split_id}/export",
    operation_id="export_split",
    summary="The answers of all jobs, in the order of the input, with those of resends",
    openapi_extra=described(*DOWNLOADS),
)
def export_split(
    request: HttpRequest, connection: ConnectionName, split_id: Key, format: Format = "jsonl"
) -> StreamingHttpResponse:
    split = find_split(request, connection, split_id, Right.READ)
    found = [job for _, job in splitting.current_jobs(split)]
    if split.state != InputSplit.State.DONE or not splitting.can_join(found):
        raise HttpError(409, "The answers can be joined once all jobs have ended and their results are read.")
    jobs = [job for job in found if job is not None]
    require_reading(caller_of(request), jobs[0])
    rows, fields = splitting.joined(jobs), splitting.schema_fields(jobs)
    response = stream(request, DOWNLOADS[format].write(rows, fields), format)
    record_download(jobs[0], caller_of(request), target=request.path)
    return response
