"""Schemas of jobs on demand."""

from decimal import Decimal
from typing import Annotated, Literal

from django.conf import settings
from ninja import Field, Schema

from batchconsole.api.v1.schemas import RowId, Strict, ruled

Records = Annotated[
    Annotated[int, Field(ge=1, le=settings.ON_DEMAND_RECORDS)] | None,
    Field(description="The first records of the input; null for all."),
]


class QuoteIn(Strict):
    input_s3_uri: ruled("input_s3_uri", str)  # type: ignore[valid-type] # a text with AWS's rules
    model_id: ruled("model_id", str)  # type: ignore[valid-type] # the same
    model_invocation_type: Literal["InvokeModel", "Converse"] = "InvokeModel"
    records: Records = None


class QuoteOut(Schema):
    records: int | None = Field(description="Null if the input is too large to be read before the answer.")
    usd_at_most: Decimal | None = Field(description="Null if the price or the length of the answers is not known.")


class OnDemandIn(QuoteIn):
    """The fields of a job on demand. It needs no service role, because the console reads and writes for it."""

    job_name: ruled("job_name", str)  # type: ignore[valid-type] # the same
    output_s3_uri: ruled("output_s3_uri", str)  # type: ignore[valid-type] # the same
    resend_of_id: RowId | None = None
