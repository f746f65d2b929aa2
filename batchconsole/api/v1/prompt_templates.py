"""Prompt templates: list, save, get, archive, restore and delete them. An input is made with one of their versions."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.schemas import Key
from batchconsole.api.v1.schemas_of_prompts import PromptIn, PromptOut, PromptVersionOut
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import prompt_templates
from batchconsole.jobs.job_rules import FieldProblem
from batchconsole.jobs.models import Connection, PromptTemplate, Right
from batchconsole.jobs.models.prompt_template import Content
from batchconsole.records.making import Recipe, RecipeError, check_recipe, placeholders

router = Router(tags=["Prompt templates"])


def templates_of(connection: Connection) -> QuerySet[PromptTemplate]:
    rows: QuerySet[PromptTemplate] = PromptTemplate.objects.filter(connection=connection).select_related("connection")
    return rows.prefetch_related("versions__created_by")


def find_prompt(request: HttpRequest, connection: str, prompt_id: int, right: Right = Right.SUBMIT) -> PromptTemplate:
    here = find_connection(request, connection, right)
    found = templates_of(here).filter(pk=prompt_id).first()
    if found is None:
        raise Http404(f"There is no prompt template {prompt_id} in {connection}.")
    return found


@router.get(
    "/",
    response=list[PromptOut],
    operation_id="list_prompt_templates",
    summary="List prompt templates by name, each with its versions",
)
def list_prompt_templates(request: HttpRequest, connection: ConnectionName) -> Any:
    return templates_of(find_connection(request, connection, Right.SUBMIT))


@router.post(
    "/",
    response=PromptVersionOut,
    operation_id="save_prompt_template",
    summary="Save a prompt template, or a new version of it",
    description="The same as the newest version gives that version. An archived template is restored.",
)
def save_prompt_template(request: HttpRequest, connection: ConnectionName, payload: PromptIn) -> Any:
    here = find_connection(request, connection, Right.SUBMIT)
    values = {name: value for name, value in payload.model_dump().items() if name != "name" and value not in (None, "")}
    recipe = Recipe(**values)
    columns = [*placeholders(f"{recipe.template}{recipe.system}"), recipe.record_id_column]
    try:
        check_recipe(recipe, columns)
        return prompt_templates.save_version(
            here, caller_of(request), name=payload.name, content=Content(recipe=recipe)
        )
    except RecipeError as error:
        raise Invalid([FieldProblem(error.part, f"{error} {error.hint}".strip())]) from error
    except UserError as error:
        if error.field != "save_as":
            raise
        raise Invalid([FieldProblem("name", f"{error.message} {error.hint}".strip())]) from error


@router.get(
    "/{prompt_id}",
    response=PromptOut,
    operation_id="get_prompt_template",
    summary="Get a prompt template with its versions, the newest first",
)
def get_prompt_template(request: HttpRequest, connection: ConnectionName, prompt_id: Key) -> PromptTemplate:
    return find_prompt(request, connection, prompt_id)


@router.post(
    "/{prompt_id}/archive",
    response=PromptOut,
    operation_id="archive_prompt_template",
    summary="Offer a prompt template no longer",
)
def archive_prompt_template(request: HttpRequest, connection: ConnectionName, prompt_id: Key) -> PromptTemplate:
    prompt_templates.archive_template(find_prompt(request, connection, prompt_id), caller_of(request))
    return find_prompt(request, connection, prompt_id)


@router.post(
    "/{prompt_id}/restore",
    response=PromptOut,
    operation_id="restore_prompt_template",
    summary="Offer an archived prompt template again",
)
def restore_prompt_template(request: HttpRequest, connection: ConnectionName, prompt_id: Key) -> PromptTemplate:
    prompt_templates.restore_template(find_prompt(request, connection, prompt_id), caller_of(request))
    return find_prompt(request, connection, prompt_id)


@router.delete(
    "/{prompt_id}",
    response={204: None},
    operation_id="delete_prompt_template",
    summary="Delete an archived prompt template with all its versions",
)
def delete_prompt_template(request: HttpRequest, connection: ConnectionName, prompt_id: Key) -> Answer[None]:
    prompt_templates.delete_template(find_prompt(request, connection, prompt_id, Right.OPERATE), caller_of(request))
    return Answer(204, None)
