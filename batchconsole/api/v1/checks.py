"""Input checks, which read every record before a job is created."""

from typing import Any

import msgspec
from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Router
from ninja.errors import HttpError
from ninja.responses import Status as Answer

from batchconsole.api.v1.schemas import CheckIn, CheckOut, Key
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.api.v1.streams import described, stream
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.inputs import input_checks
from batchconsole.jobs.inputs.splitting import offer_of
from batchconsole.jobs.job_rules import find_field_problems
from batchconsole.jobs.models import InputCheck, Right

router = Router(tags=["Input checks"])


@router.post("/", response={201: CheckOut}, operation_id="start_check", summary="Check an input")
def start_check(request: HttpRequest, connection: ConnectionName, payload: CheckIn) -> Answer[dict[str, Any]]:
    here = find_connection(request, connection, Right.SUBMIT)
    problems = find_field_problems(payload.model_dump())
    if problems:
        raise Invalid(problems)
    check = input_checks.start_check(here, **payload.model_dump(), actor=caller_of(request))
    return Answer(201, _shown(check))


@router.get("/{check_id}", response=CheckOut, operation_id="get_check", summary="What a check has found so far")
def get_check(request: HttpRequest, connection: ConnectionName, check_id: Key) -> dict[str, Any]:
    return _shown(find_check(request, connection, check_id))


@router.post("/{check_id}/cancel", response=CheckOut, operation_id="cancel_check", summary="End a check")
def cancel_check(request: HttpRequest, connection: ConnectionName, check_id: Key) -> dict[str, Any]:
    check = find_check(request, connection, check_id, Right.VIEW)
    input_checks.cancel_check(check, caller_of(request))
    return _shown(check)


@router.get(
    "/{check_id}/problems",
    operation_id="export_problems",
    summary="Every problem that a check has found, while the report has examples only",
    openapi_extra=described("jsonl"),
)
def export_problems(request: HttpRequest, connection: ConnectionName, check_id: Key) -> StreamingHttpResponse:
    check = find_check(request, connection, check_id)
    if check.report is None:
        raise HttpError(409, "The check is not done, so there is no report of it yet.")
    lines = (msgspec.json.encode(finding) + b"\n" for finding in input_checks.find_all(check))
    return stream(request, lines, "jsonl")


def find_check(request: HttpRequest, connection: str, check_id: int, right: Right = Right.READ) -> InputCheck:
    here = find_connection(request, connection, right)
    check: InputCheck | None = (
        InputCheck.objects.select_related("connection", "created_by").filter(connection=here, pk=check_id).first()
    )
    if check is None:
        raise Http404(f"There is no check {check_id} in {connection}.")
    return check


def _shown(check: InputCheck) -> dict[str, Any]:
    names = ("id", "state", "input_s3_uri", "model_id", "model_invocation_type", "records", "problems", "error")
    report = msgspec.to_builtins(check.report) if check.report else None
    sizes = {"bytes_done": check.bytes_done, "bytes_total": check.bytes_total}
    return {name: getattr(check, name) for name in names} | sizes | {"report": report, "split": offer_of(check)}
