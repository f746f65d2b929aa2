"""Schemas of webhooks and their deliveries."""

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from batchconsole.api.v1.schemas import Strict
from batchconsole.jobs.occasions import CHOICES


class WebhookIn(Strict):
    name: str = Field(min_length=1, max_length=80)
    url: str = Field(min_length=1, max_length=2048, description="An address that begins with https://.")
    occasions: list[str] = Field(
        min_length=1,
        max_length=50,
        description="`job.failed`, `job.completed` ...",
        json_schema_extra={"items": {"type": "string", "enum": [code for code, _ in CHOICES]}},
    )


class WebhookChangeIn(Strict):
    """What is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=80)
    url: str | None = Field(None, min_length=1, max_length=2048)
    occasions: list[str] | None = Field(None, min_length=1, max_length=50)


class WebhookOut(Schema):
    id: int
    name: str
    url: str = Field(
        alias="shown", description="Without its query and all but the start of its path, which may be secret."
    )
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
