"""Schemas of prompt templates and their versions."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from ninja import Field, Schema

from batchconsole.api.v1.schemas import Strict
from batchconsole.jobs.models.prompt_template import NAME_CHARACTERS
from batchconsole.records.bodies import SHAPES


class PromptIn(Strict):
    """A prompt template, where `{column}` stands for a value of a row."""

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS)
    template: str = Field(min_length=1)
    system: str = ""
    shape: Literal[tuple(SHAPES)] = "converse"  # type: ignore[valid-type] # the names of all shapes
    record_id_column: str = Field("", description="Used where a table has such a column.")
    max_tokens: Annotated[int, Field(ge=1, le=2**31)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    output_schema: str = Field("", description="The JSON Schema that answers are to keep to, as JSON.")


class PromptVersionOut(Schema):
    id: int = Field(description="Make an input with it as `prompt_version_id`.")
    prompt_template_id: int = Field(alias="template_id")
    number: int
    recipe: dict[str, Any] = Field(description="What it says, by the names of the fields of an input.")
    created_by: str | None
    created_at: datetime

    @staticmethod
    def resolve_recipe(version: Any) -> dict[str, Any]:
        return dict(msgspec.to_builtins(version.content.recipe))

    @staticmethod
    def resolve_created_by(version: Any) -> str | None:
        return str(version.created_by) if version.created_by else None


class PromptOut(Schema):
    id: int
    name: str
    url: str = Field(alias="get_absolute_url")
    archived_at: datetime | None = Field(description="Since when it is no longer offered.")
    versions: list[PromptVersionOut] = Field(description="The newest first.")
