"""Webhooks of a connection and their deliveries. All operations need the right ``administer``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Query, Router
from ninja.responses import Status as Answer

from batchconsole.api.v1.schemas import Key
from batchconsole.api.v1.schemas_of_webhooks import (
    DeliveriesOut,
    DeliveryOut,
    WebhookChangeIn,
    WebhookIn,
    WebhookOut,
    WebhookSecretOut,
)
from batchconsole.api.v1.scope import ConnectionName, caller_of, find_connection
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import FieldProblem
from batchconsole.jobs.models import Delivery, NotificationChannel, Right
from batchconsole.jobs.notifications import channels
from batchconsole.jobs.notifications.sealing import signing_secret

router = Router(tags=["Webhooks"])
MOST_DELIVERIES = 200
FIELDS = {"address": "url"}  # domain field names that differ in the API
KIND = NotificationChannel.Kind.WEBHOOK


def find_webhook(request: HttpRequest, connection: str, webhook_id: int) -> NotificationChannel:
    here = find_connection(request, connection, Right.ADMINISTER)
    found = channels.channels_of(here).filter(kind=KIND, pk=webhook_id).select_related("connection", "user").first()
    if found is None:
        raise Http404(f"There is no webhook {webhook_id} in {connection}.")
    return found


@router.get("/", response=list[WebhookOut], operation_id="list_webhooks", summary="List webhooks")
def list_webhooks(request: HttpRequest, connection: ConnectionName) -> Any:
    return channels.channels_of(find_connection(request, connection, Right.ADMINISTER)).filter(kind=KIND)


@router.post(
    "/",
    response={201: WebhookSecretOut},
    operation_id="create_webhook",
    summary="Create a webhook",
    description="The answer holds the secret that signs its messages. It is not told again.",
)
def create_webhook(request: HttpRequest, connection: ConnectionName, payload: WebhookIn) -> Answer[dict[str, Any]]:
    here = find_connection(request, connection, Right.ADMINISTER)
    wanted = channels.Wanted(name=payload.name, occasions=payload.occasions, address=payload.url)
    with fields_of_api():
        made = channels.add_channel(here, kind=KIND, wanted=wanted, actor=caller_of(request))
    return Answer(201, {"webhook": made, "secret": signing_secret(made)})


@contextmanager
def fields_of_api() -> Iterator[None]:
    """Tell what is wrong with a field of a webhook as the API tells it. Raises Invalid."""
    try:
        yield
    except UserError as error:
        if not error.field:
            raise
        raise Invalid(
            [FieldProblem(FIELDS.get(error.field, error.field), f"{error.message} {error.hint}".strip())]
        ) from error


@router.get("/{webhook_id}", response=WebhookOut, operation_id="get_webhook", summary="Get a webhook")
def get_webhook(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> NotificationChannel:
    return find_webhook(request, connection, webhook_id)


@router.patch("/{webhook_id}", response=WebhookOut, operation_id="change_webhook", summary="Change a webhook")
def change_webhook(
    request: HttpRequest, connection: ConnectionName, webhook_id: Key, payload: WebhookChangeIn
) -> NotificationChannel:
    webhook = find_webhook(request, connection, webhook_id)
    wanted = channels.Wanted(
        name=webhook.name if payload.name is None else payload.name,
        occasions=webhook.occasions if payload.occasions is None else payload.occasions,
        address=payload.url or "",
    )
    with fields_of_api():
        channels.change_channel(webhook, wanted, caller_of(request))
    return webhook


@router.post("/{webhook_id}/test", response=DeliveryOut, operation_id="test_webhook", summary="Send a test")
def test_webhook(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> Delivery:
    return channels.send_test(find_webhook(request, connection, webhook_id), caller_of(request))


@router.post(
    "/{webhook_id}/rotate",
    response=WebhookSecretOut,
    operation_id="rotate_webhook_secret",
    summary="Make a new secret; the old one signs too for a day",
)
def rotate_secret(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> dict[str, Any]:
    webhook = find_webhook(request, connection, webhook_id)
    return {"secret": channels.rotate_secret(webhook, caller_of(request)), "webhook": webhook}


@router.post(
    "/{webhook_id}/pause", response=WebhookOut, operation_id="pause_webhook", summary="Let messages wait until resumed"
)
def pause_webhook(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> NotificationChannel:
    webhook = find_webhook(request, connection, webhook_id)
    channels.pause_channel(webhook, caller_of(request))
    return webhook


@router.post("/{webhook_id}/resume", response=WebhookOut, operation_id="resume_webhook", summary="Resume a webhook")
def resume_webhook(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> NotificationChannel:
    webhook = find_webhook(request, connection, webhook_id)
    channels.resume_channel(webhook, caller_of(request))
    return webhook


@router.delete("/{webhook_id}", response={204: None}, operation_id="delete_webhook", summary="Remove a webhook")
def delete_webhook(request: HttpRequest, connection: ConnectionName, webhook_id: Key) -> Answer[None]:
    channels.remove_channel(find_webhook(request, connection, webhook_id), caller_of(request))
    return Answer(204, None)


@router.get(
    "/{webhook_id}/deliveries",
    response=DeliveriesOut,
    operation_id="list_deliveries",
    summary="What was delivered, newest first",
)
def list_deliveries(
    request: HttpRequest,
    connection: ConnectionName,
    webhook_id: Key,
    limit: Annotated[int, Query(ge=1, le=MOST_DELIVERIES)] = 50,
) -> dict[str, Any]:
    webhook = find_webhook(request, connection, webhook_id)
    assert webhook.connection is not None  # find_webhook filters by connection
    return {"deliveries": channels.deliveries_of(webhook.connection).filter(channel=webhook)[:limit]}


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/again",
    response=DeliveryOut,
    operation_id="send_again",
    summary="Send a message again, with the id it had",
)
def send_again(request: HttpRequest, connection: ConnectionName, webhook_id: Key, delivery_id: Key) -> Delivery:
    webhook = find_webhook(request, connection, webhook_id)
    assert webhook.connection is not None  # find_webhook filters by connection
    delivery = channels.deliveries_of(webhook.connection).filter(channel=webhook, pk=delivery_id).first()
    if delivery is None:
        raise Http404(f"There is no delivery {delivery_id} of webhook {webhook_id}.")
    channels.send_again(delivery, caller_of(request))
    return delivery
