"""Schemas of splits of inputs."""

from typing import Any, Self

from ninja import Field, Schema

from batchconsole.api.v1.schemas import JobIn, RowId
from batchconsole.jobs.inputs import splitting
from batchconsole.jobs.models import InputSplit


class SplitIn(JobIn):
    """The fields of a job, which the jobs of all parts share; their names get a number each."""

    check_id: RowId = Field(description="The check of this input and model that offers to split it.")


class PartOut(Schema):
    number: int
    input_s3_uri: str
    records: int
    is_written: bool
    job_id: int | None
    job_status: str | None
    job_results: str | None


class SplitOut(Schema):
    """A split. With the state `done`, each part has a job; once `can_join` is true, their answers can be exported."""

    id: int
    state: str
    url: str
    input_s3_uri: str
    output_s3_uri: str = Field(description="The folder of the parts.")
    records: int
    percent: int
    parts: list[PartOut]
    can_join: bool
    error: dict[str, Any] | None

    @classmethod
    def of(cls, split: InputSplit) -> Self:
        rows = splitting.current_jobs(split)
        is_done = split.state == InputSplit.State.DONE
        names = ("id", "state", "input_s3_uri", "output_s3_uri", "records", "percent", "error")
        return cls(
            **{name: getattr(split, name) for name in names},
            url=split.get_absolute_url(),
            can_join=is_done and splitting.can_join([job for _, job in rows]),
            parts=[
                PartOut(
                    number=part.number,
                    input_s3_uri=part.input_s3_uri,
                    records=part.records,
                    is_written=part.is_written,
                    job_id=job.pk if job else None,
                    job_status=job.status if job else None,
                    job_results=job.results if job else None,
                )
                for part, job in rows
            ],
        )
