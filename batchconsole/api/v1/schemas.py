"""What goes in and comes out, in snake case as the form's fields and the columns are."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Path, Schema
from pydantic import AwareDatetime, ConfigDict

from batchconsole.jobs.states import Status
from batchconsole.jobs.waiting import HIGHEST, LOWEST, MAX_COMMENT

Key = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Strict(Schema):
    """A body without members that nobody knows, which would be somebody's misspelling."""

    model_config = ConfigDict(extra="forbid")


class TagIn(Strict):
    key: str
    value: str = ""


class TagsIn(Strict):
    tags: list[TagIn]


class JobIn(Strict):
    """What CreateModelInvocationJob is asked for, and whether the records are checked before."""

    job_name: str
    model_id: str
    model_invocation_type: Literal["InvokeModel", "Converse"] = "InvokeModel"
    role_arn: str
    input_s3_uri: str
    input_bucket_owner: str = ""
    output_s3_uri: str
    output_kms_key_id: str = ""
    output_bucket_owner: str = ""
    subnet_ids: list[str] = Field(default_factory=list)
    security_group_ids: list[str] = Field(default_factory=list)
    timeout_duration_in_hours: int | None = None
    tags: list[TagIn] = Field(default_factory=list)
    check_input: bool = True
    start_at: AwareDatetime | None = Field(None, description="Not submitted before, with a time zone: `...Z`.")


class CloneIn(Strict):
    job_name: str
    check_input: bool = True
    start_at: AwareDatetime | None = None


class PriorityIn(Strict):
    priority: int = Field(ge=LOWEST, le=HIGHEST, description="A higher one leaves the queue earlier; 0 is usual.")


class UnholdIn(Strict):
    comment: str = Field("", max_length=MAX_COMMENT, description="Needed for a job that waits for approval.")


class JobOut(Schema):
    id: int
    job_arn: str | None
    connection: str
    url: str
    job_name: str
    status: Status
    message: str
    hint: str
    error_code: str
    priority: int
    start_at: datetime | None = Field(description="Not submitted before this time.")
    is_held: bool = Field(description="Whether somebody has to release it before it is submitted.")
    awaits_approval: bool
    model_id: str
    model_invocation_type: str
    role_arn: str
    input_s3_uri: str
    output_s3_uri: str
    output_folder: str
    tags: list[dict[str, str]]
    tags_unread: bool = Field(description="Whether it was created elsewhere and its tags have not been read yet.")
    created_by: str | None
    created_at: datetime
    submit_time: datetime | None
    ended_at: datetime | None
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


class ConnectionOut(Schema):
    name: str
    title: str
    region: str
    account_id: str
    rights: list[str]


class CheckIn(Strict):
    input_s3_uri: str
    model_id: str
    model_invocation_type: Literal["InvokeModel", "Converse"] = "InvokeModel"


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


class WebhookIn(Strict):
    name: str = Field(min_length=1, max_length=80)
    url: str = Field(min_length=1, max_length=2048, description="An address that begins with https://.")
    occasions: list[str] = Field(min_length=1, max_length=50, description="`job.failed`, `job.completed` ...")


class WebhookOut(Schema):
    id: int
    name: str
    url: str = Field(alias="shown", description="Without its query, which may hold secrets.")
    occasions: list[str]
    created_at: datetime
    failures: int = Field(description="Failed attempts in a row.")
    paused_at: datetime | None
    pause_reason: str


class WebhookSecretOut(Schema):
    webhook: WebhookOut
    secret: str


class DeliveryOut(Schema):
    id: int
    message_id: str = Field(description="The `webhook-id` header of each attempt.")
    type: str
    state: Literal["waiting", "sent", "failed", "dropped"]
    attempts: int
    message: str = Field(description="What the last attempt came to.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(alias="due_at")

    @staticmethod
    def resolve_message_id(delivery: Any) -> str:
        return str(delivery.notice.uid)

    @staticmethod
    def resolve_type(delivery: Any) -> str:
        return str(delivery.notice.occasion)


class DeliveriesOut(Schema):
    deliveries: list[DeliveryOut]
