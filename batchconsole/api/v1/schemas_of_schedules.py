"""Schemas of schedules, their runs and files."""

from datetime import datetime
from typing import Any, Literal, Self

from ninja import Field, Schema
from pydantic import AwareDatetime

from batchconsole.api.v1.schemas import Strict, of_request
from batchconsole.jobs.models import ScheduleRun, WatchedFile


class ScheduledJobIn(of_request(Strict)):  # type: ignore[misc] # its fields are those of the request
    """The fields of CreateModelInvocationJob, some with placeholders, and whether to check the records first."""

    check_input: bool = True
    start_at: AwareDatetime | None = Field(None, description="A schedule says when its jobs start. Leave this out.")


class ScheduleIn(Strict):
    """A schedule by rule, or for a watched folder, which is then the `input_s3_uri` of the job."""

    title: str
    kind: Literal["rule", "folder"]
    job: ScheduledJobIn = Field(
        description="Name, input and output may hold `{date:%Y-%m-%d}`, `{time:%H%M}` and `{file}`."
    )
    rule: str = Field("", max_length=100, description="Five fields as in cron: `30 2 * * 1-5`.")
    zone: str = Field("UTC", max_length=64)
    missed: Literal["latest", "each", "skip"] = "latest"
    interval_minutes: int = 5
    stable_seconds: int = 60
    min_records: int | None = None
    takes_overwritten: bool = False
    takes_existing: bool = False


class ScheduleOut(Schema):
    id: int
    title: str
    kind: str
    url: str
    is_active: bool
    stop_reason: str
    created_by: str | None
    created_at: datetime
    next_at: datetime | None
    rule: str
    zone: str
    missed: str
    folder_s3_uri: str
    interval_minutes: int
    stable_seconds: int
    min_records: int | None
    takes_overwritten: bool
    check_input: bool
    job: dict[str, Any] = Field(alias="definition")

    @staticmethod
    def resolve_url(schedule: Any) -> str:
        return str(schedule.get_absolute_url())

    @staticmethod
    def resolve_created_by(schedule: Any) -> str | None:
        return str(schedule.created_by) if schedule.created_by else None


class FateOut(Schema):
    """A run with its planned time, or a file with its location, and what became of it."""

    outcome: str
    reason: str
    job_id: int | None
    planned_at: datetime | None = None
    file_id: int | None = None
    s3_uri: str | None = None
    etag: str | None = None
    size: int | None = None

    @classmethod
    def of_run(cls, run: ScheduleRun) -> Self:
        return cls(outcome=run.outcome, reason=run.reason, job_id=run.job_id, planned_at=run.planned_at)

    @classmethod
    def of_file(cls, file: WatchedFile) -> Self:
        fate = cls(outcome=file.state, reason=file.reason, job_id=file.job_id)
        fate.file_id, fate.s3_uri, fate.etag, fate.size = file.pk, file.s3_uri, file.etag, file.size
        return fate


class FatesOut(Schema):
    runs: list[FateOut]
