"""Schedules and watched folders: the verbs of their pages, their runs and their files."""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.made_once import answer_made
from batchconsole.api.v1.schemas import IdempotencyKey, Key
from batchconsole.api.v1.schemas_of_schedules import FateOut, FatesOut, ScheduleIn, ScheduleOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.job_rules import FieldProblem
from batchconsole.jobs.models import JobRequest, Right, Schedule
from batchconsole.jobs.repeating import schedules, watched_folders
from batchconsole.jobs.repeating.schedules import Wanted

router = Router(tags=["Schedules"])
MOST_FATES = 200


def find_schedule(request: HttpRequest, connection: str, schedule_id: int, right: Right = Right.VIEW) -> Schedule:
    here = find_connection(request, connection, right)
    rows = Schedule.objects.select_related("connection", "created_by")
    found: Schedule | None = rows.filter(connection=here, pk=schedule_id).first()
    if found is None:
        raise Http404(f"There is no schedule {schedule_id} in {connection}.")
    return found


@router.get("/", response=list[ScheduleOut], operation_id="list_schedules", summary="List schedules")
def list_schedules(request: HttpRequest, connection: ConnectionName) -> Any:
    here = find_connection(request, connection, Right.VIEW)
    return Schedule.objects.filter(connection=here).select_related("connection", "created_by")


@router.post(
    "/",
    response={201: ScheduleOut, 200: ScheduleOut},
    operation_id="create_schedule",
    summary="Create a schedule",
    description="Its jobs are created in the name of the key's owner, with the rights of that person at the time.",
)
def create_schedule(
    request: HttpRequest, connection: ConnectionName, payload: ScheduleIn, idempotency_key: IdempotencyKey = ""
) -> Answer[Schedule]:
    here, actor = find_connection(request, connection, Right.SUBMIT), caller_of(request)

    def make(request_token: str = "") -> Schedule:
        return schedules.create_schedule(here, actor, wanted_of(payload), token=request_token)

    return answer_made(Schedule, here, actor, key=idempotency_key, asked=payload.model_dump(), make=make)


def wanted_of(payload: ScheduleIn) -> Wanted:
    """Return what is asked for. Raises Invalid for a start."""
    if payload.job.start_at:
        raise Invalid([FieldProblem("start_at", "A schedule says when its jobs start. Leave this out.")])
    values = payload.model_dump()
    job = values.pop("job")
    if values["kind"] == Schedule.Kind.FOLDER:
        values["folder_s3_uri"], job["input_s3_uri"] = job["input_s3_uri"], ""
    return Wanted(request=JobRequest.from_fields(job), check_input=job["check_input"], **values)


@router.put(
    "/{schedule_id}",
    response=ScheduleOut,
    operation_id="change_schedule",
    summary="Change a schedule, which from now on runs in your name",
    description="Its kind stays. What is left out takes its default, as with a new one.",
)
def change_schedule(
    request: HttpRequest, connection: ConnectionName, schedule_id: Key, payload: ScheduleIn
) -> Schedule:
    schedule = find_schedule(request, connection, schedule_id)
    if payload.kind != schedule.kind:
        raise Invalid([FieldProblem("kind", "A schedule keeps its kind. Create another one.")])
    schedules.change_schedule(schedule, caller_of(request), wanted_of(payload))
    return schedule


@router.get("/{schedule_id}", response=ScheduleOut, operation_id="get_schedule", summary="Get a schedule")
def get_schedule(request: HttpRequest, connection: ConnectionName, schedule_id: Key) -> Schedule:
    return find_schedule(request, connection, schedule_id)


@router.get(
    "/{schedule_id}/runs",
    response=FatesOut,
    operation_id="list_runs",
    summary="What became of its runs, or of the files of its folder, newest first",
)
def list_runs(
    request: HttpRequest,
    connection: ConnectionName,
    schedule_id: Key,
    limit: Annotated[int, Query(ge=1, le=MOST_FATES)] = 50,
) -> dict[str, Any]:
    schedule = find_schedule(request, connection, schedule_id)
    if schedule.is_by_rule:
        return {"runs": [FateOut.of_run(run) for run in schedule.runs.all()[:limit]]}
    return {"runs": [FateOut.of_file(file) for file in schedule.files.all()[:limit]]}


@router.post("/{schedule_id}/run", response=FateOut | None, operation_id="run_schedule", summary="Run it now")
def run_schedule(request: HttpRequest, connection: ConnectionName, schedule_id: Key) -> FateOut | None:
    run = schedules.run_now(find_schedule(request, connection, schedule_id), caller_of(request))
    return FateOut.of_run(run) if run else None


@router.post(
    "/{schedule_id}/files/{file_id}/retry",
    response=FateOut,
    operation_id="retry_file",
    summary="Let a file of a watched folder that was skipped wait again",
)
def retry_file(request: HttpRequest, connection: ConnectionName, schedule_id: Key, file_id: Key) -> FateOut:
    schedule = find_schedule(request, connection, schedule_id)
    file = schedule.files.select_related("schedule__connection", "schedule__created_by").filter(pk=file_id).first()
    if file is None:
        raise Http404(f"There is no file {file_id} of schedule {schedule_id}.")
    watched_folders.retry_file(file, caller_of(request))
    file.refresh_from_db()
    return FateOut.of_file(file)


@router.post("/{schedule_id}/pause", response=ScheduleOut, operation_id="pause_schedule", summary="Pause a schedule")
def pause_schedule(request: HttpRequest, connection: ConnectionName, schedule_id: Key) -> Schedule:
    schedule = find_schedule(request, connection, schedule_id)
    schedules.pause_schedule(schedule, caller_of(request))
    return schedule


@router.post("/{schedule_id}/resume", response=ScheduleOut, operation_id="resume_schedule", summary="Resume a schedule")
def resume_schedule(request: HttpRequest, connection: ConnectionName, schedule_id: Key) -> Schedule:
    schedule = find_schedule(request, connection, schedule_id)
    schedules.resume_schedule(schedule, caller_of(request))
    return schedule


@router.delete(
    "/{schedule_id}", response={204: None}, operation_id="delete_schedule", summary="Delete a schedule, keep its jobs"
)
def delete_schedule(request: HttpRequest, connection: ConnectionName, schedule_id: Key) -> Answer[None]:
    schedules.delete_schedule(find_schedule(request, connection, schedule_id), caller_of(request))
    return Answer(204, None)
