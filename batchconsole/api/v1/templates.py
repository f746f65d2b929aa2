"""Job templates: list, save, get, change, rename and delete them, and create jobs from them."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.schemas import IdempotencyKey, JobOut, Key
from batchconsole.api.v1.schemas_of_templates import DraftIn, TemplateChangeIn, TemplateIn, TemplateJobIn, TemplateOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs import creating, job_templates
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.job_rules import FieldProblem, find_field_problems, tag_problems
from batchconsole.jobs.models import BatchJob, JobRequest, JobTemplate, Right

router = Router(tags=["Job templates"])


def find_template(request: HttpRequest, connection: str, template_id: int, right: Right = Right.VIEW) -> JobTemplate:
    here = find_connection(request, connection, right)
    rows = JobTemplate.objects.select_related("connection", "changed_by")
    found: JobTemplate | None = rows.filter(connection=here, pk=template_id).first()
    if found is None:
        raise Http404(f"There is no job template {template_id} in {connection}.")
    return found


def read_draft(draft: DraftIn) -> JobRequest:
    """Return the request of *draft*. Raises Invalid if a field that has a value is wrong."""
    values = draft.model_dump()
    asked = JobRequest.from_fields(values)
    given = {name: value for name, value in values.items() if value}
    problems = [*find_field_problems(given), *tag_problems(asked)]
    if problems:
        raise Invalid([FieldProblem(f"job.{problem.field}", problem.message) for problem in problems])
    return asked


@router.get("/", response=list[TemplateOut], operation_id="list_job_templates", summary="List job templates by name")
def list_job_templates(request: HttpRequest, connection: ConnectionName) -> Any:
    here = find_connection(request, connection, Right.VIEW)
    return JobTemplate.objects.filter(connection=here).select_related("changed_by")


@router.post(
    "/",
    response={201: TemplateOut},
    operation_id="save_job_template",
    summary="Save a job template",
    description="A name that is taken is refused.",
)
def save_job_template(request: HttpRequest, connection: ConnectionName, payload: TemplateIn) -> Answer[JobTemplate]:
    here = find_connection(request, connection, Right.SUBMIT)
    asked = read_draft(payload.job)
    made = job_templates.save_template(
        here, caller_of(request), payload.name, request=asked, check_input=payload.check_input
    )
    return Answer(201, made)


@router.get("/{template_id}", response=TemplateOut, operation_id="get_job_template", summary="Get a job template")
def get_job_template(request: HttpRequest, connection: ConnectionName, template_id: Key) -> JobTemplate:
    return find_template(request, connection, template_id)


@router.post(
    "/{template_id}/jobs",
    response={201: JobOut, 200: JobOut},
    operation_id="create_job_from_template",
    summary="Create a job from a job template",
    description="What is given takes precedence over what the template says; a job needs a name of its own.",
)
def create_job_from_template(
    request: HttpRequest,
    connection: ConnectionName,
    template_id: Key,
    payload: TemplateJobIn,
    idempotency_key: IdempotencyKey = "",
) -> Answer[BatchJob]:
    template = find_template(request, connection, template_id, Right.SUBMIT)
    given = payload.model_dump(exclude_unset=True)
    asked = JobRequest.from_fields(template.request.as_fields() | given)
    job, is_new = creating.create_once(
        template.connection,
        caller_of(request),
        replace(asked, client_request_token=""),
        key=idempotency_key,
        check_input=template.check_input if payload.check_input is None else payload.check_input,
        start_at=payload.start_at,
    )
    return Answer(201 if is_new else 200, job)


@router.patch(
    "/{template_id}",
    response=TemplateOut,
    operation_id="change_job_template",
    summary="Change or rename a job template",
)
def change_job_template(
    request: HttpRequest, connection: ConnectionName, template_id: Key, payload: TemplateChangeIn
) -> JobTemplate:
    template = find_template(request, connection, template_id, Right.SUBMIT)
    check_input = template.check_input if payload.check_input is None else payload.check_input
    asked = read_draft(payload.job) if payload.job else template.request
    job_templates.change_template(
        template,
        caller_of(request),
        request=replace(asked, client_request_token=""),
        check_input=check_input,
        version=payload.version,
        name=payload.name,
    )
    return template


@router.delete(
    "/{template_id}",
    response={204: None},
    operation_id="delete_job_template",
    summary="Delete a job template, keep the jobs created with it",
)
def delete_job_template(request: HttpRequest, connection: ConnectionName, template_id: Key) -> Answer[None]:
    job_templates.delete_template(find_template(request, connection, template_id, Right.SUBMIT), caller_of(request))
    return Answer(204, None)
