"""Schemas of job templates."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import AwareDatetime

from batchconsole.api.v1.schemas import Strict, of_request
from batchconsole.jobs.models.job_template import LONGEST_NAME

Name = Field(max_length=LONGEST_NAME, description="Unique on the connection.")


class DraftIn(of_request(Strict, as_draft=True)):  # type: ignore[misc] # its fields are those of the request
    """The fields of a job that the template keeps; what is left out is filled in with each job."""


class TemplateIn(Strict):
    name: str = Name
    job: DraftIn
    check_input: bool = True


class TemplateChangeIn(Strict):
    """What is left out stays. Give the `version` that was read: a template that changed since is not overwritten."""

    version: int = Field(ge=1)
    name: str | None = Field(None, max_length=LONGEST_NAME)
    job: DraftIn | None = None
    check_input: bool | None = None


class TemplateJobIn(of_request(Strict, as_draft=True)):  # type: ignore[misc] # as above
    """The fields of a job that differ from those of the template."""

    check_input: bool | None = Field(None, description="Null: as the template says.")
    start_at: AwareDatetime | None = None


class TemplateOut(Schema):
    id: int
    name: str
    job: dict[str, Any] = Field(alias="values", description="Only fields that have a value.")
    check_input: bool
    version: int = Field(description="Counts its changes.")
    changed_at: datetime
    changed_by: str | None

    @staticmethod
    def resolve_changed_by(template: Any) -> str | None:
        return str(template.changed_by) if template.changed_by else None
