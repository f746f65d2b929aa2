"""Schemas of requests and responses, with names in snake case like the form fields and columns."""

from dataclasses import MISSING, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_origin, get_type_hints

from ninja import Field, Header, Path, Schema
from pydantic import AwareDatetime, ConfigDict, create_model, field_validator
from pydantic_core import PydanticCustomError

from batchconsole.aws.constraints import Constraint, job_constraints
from batchconsole.jobs.inputs.merging import MOST_FILES
from batchconsole.jobs.job_rules import rule_for
from batchconsole.jobs.models import JobRequest
from batchconsole.jobs.models.job_note import LONGEST_NOTE
from batchconsole.jobs.queue.waiting import HIGHEST, LOWEST, MAX_COMMENT
from batchconsole.jobs.states import Status
from batchconsole.records.bodies import SHAPES

Key = Annotated[int, Path(ge=1, le=2**63 - 1)]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]


IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", max_length=200, description="Sent again, it gives what the first call made.")
]


class Strict(Schema):
    """A request body. Unknown members are refused, because they are usually misspelled.

    NUL characters are refused as in forms, because PostgreSQL stores no text that contains one.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def refuse_nul(cls, value: Any) -> Any:
        if any(isinstance(text, str) and "\0" in text for text in (value if isinstance(value, list) else [value])):
            raise PydanticCustomError("nul", "NUL characters are not allowed.")
        return value


def _text_rules(rule: Constraint, *, is_optional: bool = False) -> dict[str, Any]:
    pattern = {"pattern": f"^(?:{rule.pattern}){'?' if is_optional else ''}$"} if rule.pattern else {}
    return pattern | _bounds("Length", rule.max) | ({} if is_optional else {"minLength": rule.min or 1})


def _bounds(what: str, most: int | None) -> dict[str, Any]:
    return {} if most is None else {f"max{what}": most}


class TagIn(Strict):
    key: str = Field(json_schema_extra=_text_rules(job_constraints()["key"]))
    value: str = Field("", json_schema_extra=_text_rules(job_constraints()["value"], is_optional=True))


class TagsIn(Strict):
    tags: list[TagIn]


def of_request(base: type[Schema], *, as_told: bool = False, as_draft: bool = False, with_rules: bool = False) -> Any:
    """Return a schema with JobRequest's fields, tuples as lists.

    With *as_told*, for responses, all are required; with *as_draft*, none is. *with_rules* adds AWS's rules.
    """
    types: dict[str, Any] = {"model_invocation_type": Literal["InvokeModel", "Converse"], "tags": list[TagIn]}
    if as_told:
        types = {"model_invocation_type": str, "tags": list[dict[str, str]]}
    hints, made = get_type_hints(JobRequest), {}
    for each in fields(JobRequest):
        kind = types.get(each.name, list[str] if get_origin(hints[each.name]) is tuple else hints[each.name])
        default = [] if each.default == () else "" if as_draft and each.default is MISSING else each.default
        if with_rules:
            kind = ruled(each.name, kind, is_optional=default is not MISSING)
        made[each.name] = (kind, ... if as_told or default is MISSING else default)
    del made["client_request_token"]  # comes from the Idempotency-Key
    return create_model(base.__name__, __base__=base, **made)  # type: ignore[call-overload] # fields by name


def ruled(name: str, kind: Any, *, is_optional: bool = False) -> Any:
    """Return *kind* with AWS's rules for the field *name*, if it is a number, a text or a list of texts.

    Those of texts are described only: the form's validation applies them, and its sentences are better. An optional
    text may be empty, which means that it is left out.
    """
    rule = rule_for(name)
    if rule is None or kind not in (str, list[str], int | None):
        return kind
    if kind == int | None:
        return Annotated[int, Field(ge=rule.min, le=rule.max)] | None
    if kind is str:
        return Annotated[str, Field(json_schema_extra=_text_rules(rule, is_optional=is_optional))]
    items = {"type": "string", **_text_rules(rule.item or Constraint())}
    return Annotated[list[str], Field(json_schema_extra={"items": items, **_bounds("Items", rule.max)})]


class JobIn(of_request(Strict, with_rules=True)):  # type: ignore[misc] # its fields are those of the request
    """The fields of CreateModelInvocationJob, whether to check the records first, and when to submit the job."""

    check_input: bool = True
    start_at: AwareDatetime | None = Field(None, description="Not submitted before, with a time zone: `...Z`.")
    resend_of_id: RowId | None = Field(
        None, description="The job whose records it sends again: `resend_of_id` of the input that they were written to."
    )


class CloneIn(Strict):
    job_name: ruled("job_name", str)  # type: ignore[valid-type] # a text with AWS's rules
    check_input: bool = True
    start_at: AwareDatetime | None = None


class PriorityIn(Strict):
    priority: int = Field(ge=LOWEST, le=HIGHEST, description="A higher one leaves the queue earlier; 0 is usual.")


class UnholdIn(Strict):
    comment: str = Field("", max_length=MAX_COMMENT, description="Needed for a job that waits for approval.")


class ResendIn(Strict):
    """Which records of a job to send again: failed ones, unanswered ones, or both."""

    failed: bool = True
    unanswered: bool = True
    merges: list[RowId] = Field(
        default_factory=list,
        max_length=100,
        description="Other jobs whose records go along, each in a file of its own.",
    )
    at_least: int = Field(
        0, ge=0, le=10**6, description="Answered records fill up to so many, for models that take no fewer."
    )


class InputIn(Strict):
    """Records to make from the rows of a table in S3 by a template, where `{column}` stands for the column's value."""

    source_s3_uri: ruled("input_s3_uri", str) = Field(  # type: ignore[valid-type] # a text with AWS's rules
        description="A CSV, TSV, JSONL or Parquet file, or a batch file of another provider."
    )
    output_s3_uri: ruled("output_s3_uri", str) = Field(  # type: ignore[valid-type] # the same
        description="The object to write, which ends in `.jsonl`."
    )
    template: str = ""
    system: str = ""
    shape: Literal[tuple(SHAPES)] = "converse"  # type: ignore[valid-type] # the names of all shapes
    record_id_column: str = ""
    max_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    output_schema: str = Field("", description="The JSON Schema that answers are to keep to, as JSON.")
    separator: Annotated[str, Field(max_length=1)] = ""
    encoding: Annotated[str, Field(max_length=16)] = ""
    prompt_version_id: RowId | None = Field(
        None, description="A version of a prompt template. What is given besides takes precedence over what it says."
    )


class MergeIn(Strict):
    """Files of records to write as one."""

    files: list[str] = Field(min_length=2, max_length=MOST_FILES, description="Their S3 URIs, in the order to keep.")
    output_s3_uri: ruled("input_s3_uri", str) = Field(  # type: ignore[valid-type] # a text with AWS's rules
        description="The object to write, which ends in `.jsonl`."
    )
    prefixes: bool = Field(
        False, description="Begin each `recordId` with the name of its file; else repeated ones are refused."
    )
    copies_media: bool = Field(
        False,
        description="Copy media in S3 beside the merged file; else they have to lie below its folder.",
    )


class MadeInputOut(Schema):
    """An input being made. When its state is `done`, create a job with `input_s3_uri` as the job's input."""

    id: int
    state: str
    output_s3_uri: str
    input_s3_uri: str = Field(description="The object, or its folder if the records refer to media in it.")
    model_invocation_type: str
    records: int
    percent: int
    resend_of_id: int | None
    error: dict[str, Any] | None


class JobOut(of_request(Schema, as_told=True)):  # type: ignore[misc] # its fields are those of the request, and more
    id: int
    job_arn: str | None
    lane: str = Field(description="`batch`: AWS runs it; `on_demand`: the console sends its records one by one.")
    connection: str
    url: str
    status: Status
    message: str
    hint: str
    error_code: str
    priority: int
    start_at: datetime | None = Field(description="Not submitted before this time.")
    is_held: bool = Field(description="Whether somebody has to release it before it is submitted.")
    awaits_approval: bool
    output_folder: str
    tags_unread: bool = Field(description="Whether it was created elsewhere and its tags have not been read yet.")
    clone_of_id: int | None
    resend_of_id: int | None = Field(description="The job whose records it sends again.")
    created_by: str | None
    created_at: datetime
    submit_time: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None = Field(description="Since when it is left out of the list.")
    total_record_count: int | None
    processed_record_count: int | None
    success_record_count: int | None
    error_record_count: int | None
    has_errors: bool = Field(description="Whether it completed with records that failed, or only partially.")
    input_token_count: int | None
    output_token_count: int | None
    cost_usd: Decimal | None
    results: str

    @staticmethod
    def resolve_connection(job: Any) -> str:
        return str(job.connection.name)

    @staticmethod
    def resolve_url(job: Any) -> str:
        return str(job.get_absolute_url())

    @staticmethod
    def resolve_created_by(job: Any) -> str | None:
        return str(job.created_by) if job.created_by else None


class JobsOut(Schema):
    jobs: list[JobOut]
    next_cursor: str | None = Field(description="Send it as `cursor` for the following jobs; null on the last page.")


class NoteIn(Strict):
    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class NoteOut(Schema):
    id: int
    text: str
    created_by: str | None
    created_at: datetime

    @staticmethod
    def resolve_created_by(note: Any) -> str | None:
        return str(note.created_by) if note.created_by else None


class DifferenceOut(Schema):
    """A field of the request, or `check_input`, with its value in both jobs."""

    field: str
    value: Any
    other_value: Any


class DifferencesOut(Schema):
    differences: list[DifferenceOut] = Field(description="Empty if the definitions are the same.")


class ConnectionOut(Schema):
    name: str
    title: str
    region: str
    account_id: str
    rights: list[str]


class CheckIn(Strict):
    input_s3_uri: ruled("input_s3_uri", str)  # type: ignore[valid-type] # a text with AWS's rules
    model_id: ruled("model_id", str)  # type: ignore[valid-type] # the same
    model_invocation_type: Literal["InvokeModel", "Converse"] = "InvokeModel"


class SplitOfferOut(Schema):
    """An input that is too large for one job: send the check's id to `POST splits/`."""

    jobs: int = Field(alias="parts", description="At least so many.")
    records: int
    bytes: int


class CheckOut(Schema):
    id: int
    state: str
    input_s3_uri: str
    model_id: str
    model_invocation_type: str
    records: int
    bytes_done: int
    bytes_total: int
    problem_count: int = Field(alias="problems")
    split: SplitOfferOut | None = Field(None, description="What splitting it makes, if one job cannot take it.")
    report: dict[str, Any] | None
    error: dict[str, Any] | None


class ResultsOut(Schema):
    state: str
    error: dict[str, Any] | None
    totals: dict[str, Any] | None = Field(description="Counts, tokens, and errors grouped by their message.")


class RecordOut(Schema):
    position: int
    record_id: str
    answer: str
    stop_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    error_code: int | str | None
    error_message: str | None


class RecordsOut(Schema):
    count: int
    page: int
    records: list[RecordOut]
    next: int | None = Field(None, description="Of a search that has not seen all: send it as `since` to go on.")


class ErrorGroupOut(Schema):
    code: int | str | None
    message: str = Field(description="That of the first record; the others differ in numbers only.")
    count: int
    record_ids: list[str] = Field(description="Of the first records.")
    positions: list[int]


class ModelOut(Schema):
    model_id: str
    name: str
    provider: str
    batch: bool
    inference_profiles: list[str]
    input_usd_per_million: Decimal | None
    output_usd_per_million: Decimal | None


class UsageOut(Schema):
    group: str
    jobs: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None


class UsagesOut(Schema):
    first: date
    last: date
    groups: list[UsageOut]


class BudgetOut(Schema):
    title: str
    usd_per_month: Decimal
    above: str = Field(description="What becomes of jobs above it: `warn`, `hold` or `refuse`.")
    used_usd: Decimal = Field(description="Spent this month, and committed to jobs in flight.")
    percent: int


class FieldErrorOut(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """An RFC 9457 problem. If AWS refused the call, `code` is AWS's error code and `operation` its API operation."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request, as `X-Request-Id` names it.")
    errors: list[FieldErrorOut] = Field(default_factory=list)
    code: str = ""
    operation: str = ""
