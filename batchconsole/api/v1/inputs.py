"""Inputs: records made from a table in S3 by a template, or merged from files, as on the pages for batch input."""

from dataclasses import replace
from functools import partial

import msgspec
from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.made_once import answer_made
from batchconsole.api.v1.schemas import IdempotencyKey, InputIn, Key, MadeInputOut, MergeIn
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.inputs import making, merging
from batchconsole.jobs.inputs.prompt_templates import find_version
from batchconsole.jobs.job_rules import FieldProblem, find_field_problems
from batchconsole.jobs.models import Connection, MadeInput, Right
from batchconsole.records.making import Recipe, RecipeError
from batchconsole.records.tables import TableError

router = Router(tags=["Input"])


@router.post(
    "/",
    response={201: MadeInputOut, 200: MadeInputOut},
    operation_id="make_input",
    summary="Make records of a table in S3",
)
def make_input(
    request: HttpRequest, connection: ConnectionName, payload: InputIn, idempotency_key: IdempotencyKey = ""
) -> Answer[MadeInput]:
    here, actor = find_connection(request, connection, Right.SUBMIT), caller_of(request)
    if problems := _problems(payload):
        raise Invalid(problems)
    make = partial(_start, here, payload, request=request)
    return answer_made(MadeInput, here, actor, key=idempotency_key, asked=payload.model_dump(), make=make)


def _problems(payload: InputIn) -> list[FieldProblem]:
    source, sink = payload.source_s3_uri, payload.output_s3_uri
    found = [FieldProblem("source_s3_uri", each.message) for each in find_field_problems({"input_s3_uri": source})]
    wrong_sink = _sink_problems(sink)
    if not wrong_sink and sink == source:
        wrong_sink = [FieldProblem("output_s3_uri", "This is the source file. Enter another name.")]
    return found + wrong_sink


def _sink_problems(sink: str) -> list[FieldProblem]:
    """Return the problems of the object to write."""
    wrong = find_field_problems({"output_s3_uri": sink})
    if not wrong and not sink.endswith(".jsonl"):
        return [FieldProblem("output_s3_uri", "Bedrock reads files whose names end in .jsonl.")]
    return wrong


def _start(connection: Connection, payload: InputIn, *, request: HttpRequest, request_token: str = "") -> MadeInput:
    actor = caller_of(request)
    recipe, made_with = _recipe(connection, payload)
    try:
        order = making.order_from_s3(
            connection,
            actor,
            recipe=recipe,
            source_s3_uri=payload.source_s3_uri,
            output_s3_uri=payload.output_s3_uri,
            separator=payload.separator,
            encoding=payload.encoding,
            request_token=request_token,
        )
    except RecipeError as error:
        raise Invalid([FieldProblem(error.part, f"{error} {error.hint}".strip())]) from error
    except TableError as error:
        raise Invalid([FieldProblem("source_s3_uri", f"{error} {error.hint}".strip())]) from error
    return making.start_making(connection, actor, replace(order, made_with=made_with))


def _recipe(connection: Connection, payload: InputIn) -> tuple[Recipe, str]:
    """Return the recipe, and the prompt template and version that it is from, if any. Raises Invalid."""
    # A recipe has parts that no program sets, such as the prefix that tells several tables apart.
    names = [name for name in Recipe.__struct_fields__ if name in payload.model_fields_set]
    given = {name: value for name in names if (value := getattr(payload, name)) not in (None, "")}
    if payload.prompt_version_id is None:
        return Recipe(**given), ""
    version = find_version(connection, str(payload.prompt_version_id))
    if version is None:
        words = f"There is no version {payload.prompt_version_id} of a prompt template in {connection.name}."
        raise Invalid([FieldProblem("prompt_version_id", words)])
    saved = version.content.recipe
    recipe = msgspec.structs.replace(saved, **given)
    return recipe, str(version) if recipe == saved else f"{version}, changed"


@router.post(
    "/merge",
    response={201: MadeInputOut, 200: MadeInputOut},
    operation_id="merge_files",
    summary="Write several files of records as one input",
    description="Small files without media in S3 are merged before the answer. The records have to be of one format.",
)
def merge_files(
    request: HttpRequest, connection: ConnectionName, payload: MergeIn, idempotency_key: IdempotencyKey = ""
) -> Answer[MadeInput]:
    here, actor = find_connection(request, connection, Right.SUBMIT), caller_of(request)
    wrong = [each for uri in payload.files for each in find_field_problems({"input_s3_uri": uri})]
    problems = [FieldProblem("files", each.message) for each in wrong[:1]] + _sink_problems(payload.output_s3_uri)
    if problems:
        raise Invalid(problems)
    asked = {
        "uris": payload.files,
        "output_s3_uri": payload.output_s3_uri,
        "prefixes": payload.prefixes,
        "copies_media": payload.copies_media,
    }
    make = partial(merging.start_merge, here, actor, **asked)
    answer = answer_made(MadeInput, here, actor, key=idempotency_key, asked=asked, make=make)
    made = answer.value
    if merging.is_small(made) and not made.is_finished:
        making.make_input(made)
        made.refresh_from_db()
    return answer


@router.get("/{input_id}", response=MadeInputOut, operation_id="get_input", summary="How far an input is")
def get_input(request: HttpRequest, connection: ConnectionName, input_id: Key) -> MadeInput:
    return _find(request, connection, input_id)


@router.post("/{input_id}/cancel", response=MadeInputOut, operation_id="cancel_input", summary="End making an input")
def cancel_input(request: HttpRequest, connection: ConnectionName, input_id: Key) -> MadeInput:
    made = _find(request, connection, input_id)
    making.cancel_making(made, caller_of(request))
    return made


def _find(request: HttpRequest, connection: str, input_id: int) -> MadeInput:
    here = find_connection(request, connection, Right.VIEW)
    made: MadeInput | None = MadeInput.objects.select_related("resend_of").filter(connection=here, pk=input_id).first()
    if made is None:
        raise Http404(f"There is no input {input_id} in {connection}.")
    return made
