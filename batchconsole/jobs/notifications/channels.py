"""Changes to channels: add, change, remove, test, pause, resume, rotate the secret, send again.

Each function checks the actor's permission and records an event. Users manage their own channels; a connection's
channels need the right to administer the connection.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.models import Connection, Delivery, Event, Notice, NotificationChannel, Right, Verb
from batchconsole.jobs.models.notification import check_occasions
from batchconsole.jobs.notifications import chat
from batchconsole.jobs.notifications.handing_on import close_breaker, write_delivery
from batchconsole.jobs.notifications.outgoing import is_permitted
from batchconsole.jobs.notifications.sealing import seal, signing_secret
from batchconsole.jobs.occasions import BUDGET, TEST
from batchconsole.jobs.rights.access import require
from batchconsole.jobs.signals import nudge

Kind = NotificationChannel.Kind
NAME_LENGTH = 80
LONGEST_ADDRESS = 2048
MOST_CHANNELS = 20
CONTROL_CHARACTERS = re.compile(r"[\x00-\x20\x7f-\xa0]")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The wanted settings of a channel. For an existing channel, an empty *address* keeps the current one."""

    name: str
    occasions: Sequence[str]
    address: str = ""
    scope: str = NotificationChannel.Scope.MINE


def channels_of(owner: User | Connection) -> "QuerySet[NotificationChannel]":
    """Return the channels of a user or a connection."""
    mine = {"user": owner} if isinstance(owner, User) else {"connection": owner}
    found: QuerySet[NotificationChannel] = NotificationChannel.objects.filter(**mine)
    return found


def deliveries_of(owner: User | Connection) -> "QuerySet[Delivery]":
    """Return the deliveries, past and pending, to the channels of a user or a connection; the newest first."""
    found: QuerySet[Delivery] = Delivery.objects.filter(channel__in=channels_of(owner))
    return found.select_related("channel", "notice", "notice__connection")


def add_channel(owner: User | Connection, *, kind: str, wanted: Wanted, actor: User) -> NotificationChannel:
    """Create a channel of a user or a connection. Raises UserError with the field that is wrong, or NotAllowed."""
    _require(actor, owner)
    if channels_of(owner).count() >= MOST_CHANNELS:
        raise UserError(f"There are {MOST_CHANNELS} channels already.", hint="Remove one that is not needed.")
    whose = {"user": owner} if isinstance(owner, User) else {"connection": owner}
    channel = NotificationChannel(kind=kind, **whose)
    _fill(channel, wanted)
    with transaction.atomic():
        channel.save()
        _record(Verb.CHANNEL_ADDED, channel, actor, after=_values(channel))
    return channel


def change_channel(channel: NotificationChannel, wanted: Wanted, actor: User) -> None:
    """Change the name, occasions, scope and address of *channel*. Raises UserError or NotAllowed."""
    _require(actor, owner_of(channel))
    before = _values(channel)
    _fill(channel, wanted)
    with transaction.atomic():
        channel.save(update_fields=["name", "occasions", "scope", "sealed_address", "shown"])
        _record(Verb.CHANNEL_CHANGED, channel, actor, before=before, after=_values(channel))


def remove_channel(channel: NotificationChannel, actor: User) -> None:
    """Delete *channel* and its deliveries."""
    _require(actor, owner_of(channel))
    with transaction.atomic():
        NotificationChannel.objects.lock(channel.pk)
        _record(Verb.CHANNEL_REMOVED, channel, actor, before=_values(channel))
        channel.delete()


def send_test(channel: NotificationChannel, actor: User) -> Delivery:
    """Send a message that says only that the channel works; it is tried once, even while the channel is paused.

    Raises UserError if another test is still waiting.
    """
    _require(actor, owner_of(channel))
    waiting = Delivery.objects.filter(channel=channel, notice__occasion=TEST.code, state=Delivery.State.WAITING)
    with transaction.atomic():
        NotificationChannel.objects.lock(channel.pk)
        if waiting.exists():
            raise UserError("A test is on its way already.", hint="Wait until it has arrived or failed.")
        notice = Notice.objects.create(connection=channel.connection, occasion=TEST.code, due_at=None)
        write_delivery(notice, channel)
        _record(Verb.CHANNEL_TESTED, channel, actor)
    return Delivery.objects.get(notice=notice)


def pause_channel(channel: NotificationChannel, actor: User) -> None:
    """Send nothing to *channel* until it is resumed; deliveries wait meanwhile."""
    _require(actor, owner_of(channel))
    with transaction.atomic():
        locked = NotificationChannel.objects.lock(channel.pk)
        if locked.paused_at is None:
            values = {"paused_at": timezone.now(), "pause_reason": f"Paused by {actor.get_username()}."}
            NotificationChannel.objects.filter(pk=channel.pk).update(**values)
            _record(Verb.CHANNEL_PAUSED, channel, actor)
    channel.refresh_from_db()


def resume_channel(channel: NotificationChannel, actor: User) -> None:
    """Resume *channel* and send what has waited."""
    _require(actor, owner_of(channel))
    with transaction.atomic():
        close_breaker(NotificationChannel.objects.lock(channel.pk))
        _record(Verb.CHANNEL_RESUMED, channel, actor)
    channel.refresh_from_db()


def rotate_secret(channel: NotificationChannel, actor: User) -> str:
    """Give a webhook a new secret and return it; it is never shown again. The old one also signs for a day."""
    _require(actor, owner_of(channel))
    if channel.kind != Kind.WEBHOOK:
        raise UserError("Only webhooks have a secret.")
    with transaction.atomic():
        locked = NotificationChannel.objects.lock(channel.pk)
        changes = {"secret_number": locked.secret_number + 1, "rotated_at": timezone.now()}
        NotificationChannel.objects.filter(pk=channel.pk).update(**changes)
        _record(Verb.CHANNEL_SECRET_ROTATED, channel, actor)
    channel.refresh_from_db()
    return signing_secret(channel)


def send_again(delivery: Delivery, actor: User) -> None:
    """Send *delivery* again with its old id, so that receivers can drop duplicates. Raises UserError while it waits."""
    _require(actor, owner_of(delivery.channel))
    waits = {"state": Delivery.State.WAITING, "due_at": timezone.now() - timedelta(seconds=1), "attempts": 0}
    with transaction.atomic():
        finished = Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.WAITING)
        if not finished.update(**waits, lease="", finished_at=None):
            raise UserError("This notification is still waiting to be sent.")
        nudge("deliver", delivery.pk)
        _record(Verb.NOTIFICATION_REPEATED, delivery.channel, actor, data={"id": delivery.notice.uid})
    delivery.refresh_from_db()


def owner_of(channel: NotificationChannel) -> User | Connection:
    owner = channel.user or channel.connection
    assert owner is not None  # guaranteed by the table's constraint
    return owner


def _require(actor: User, owner: User | Connection) -> None:
    if isinstance(owner, Connection):
        require(actor, Right.ADMINISTER, owner)
    elif actor.pk != owner.pk:
        raise NotAllowed("This channel is somebody else's.", "Each person has channels of their own.")


def _fill(channel: NotificationChannel, wanted: Wanted) -> None:
    name = wanted.name.strip()
    if not 0 < len(name) <= NAME_LENGTH or "\0" in name:
        raise UserError(f"The channel needs a name of 1 to {NAME_LENGTH} characters.", "name")
    if not wanted.occasions:
        raise UserError("Choose at least one occasion.", "occasions")
    try:
        check_occasions(list(wanted.occasions))
    except ValidationError as error:
        raise UserError(error.messages[0], "occasions") from error
    if channel.user and BUDGET.code in wanted.occasions:
        raise UserError("Budgets are told to the channels of connections only.", "occasions")
    if wanted.scope not in NotificationChannel.Scope:
        raise UserError("Choose your jobs or all jobs.", "scope")
    channel.name, channel.occasions, channel.scope = name, list(wanted.occasions), wanted.scope
    if wanted.address or channel.pk is None:
        _fill_address(channel, wanted.address.strip())


def _fill_address(channel: NotificationChannel, address: str) -> None:
    if len(address) > LONGEST_ADDRESS or CONTROL_CHARACTERS.search(address):
        limit = f"An address has no spaces and at most {LONGEST_ADDRESS} characters."
        raise UserError("This is no address.", "address", limit)
    shown = ADDRESSES[Kind(channel.kind)](channel, address)
    channel.sealed_address, channel.shown = seal(address) if address else "", shown[:255]


def _check_mail(channel: NotificationChannel, address: str) -> str:
    """Check the address. A user's mail goes to the account's address, which administrators or the provider confirm."""
    if not settings.EMAIL_HOST:
        hint = "Choose another kind, or have an operator set BATCHCONSOLE_EMAIL_HOST."
        raise UserError("This console doesn't send email.", "kind", hint)
    if channel.user:
        if address:
            raise UserError("Mail goes to the address of your account. Leave the field empty.", "address")
        if not channel.user.email:
            raise UserError("Your account has no mail address.", "kind", "An administrator can enter one.")
        return "The address of the account"
    try:
        validate_email(address)
    except ValidationError as error:
        raise UserError("Enter a mail address like team@example.com.", "address") from error
    return address


def _check_chat(channel: NotificationChannel, address: str) -> str:
    return chat.shown(chat.open_service(address))


def _check_webhook(channel: NotificationChannel, address: str) -> str:
    """Require HTTPS and a host that is not plainly private; each sending checks the resolved address again."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")  # raises a ValueError if it cannot be a host name
    except ValueError:
        host = ""
    schemes = {"https", "http"} if settings.NOTIFICATION_NETWORKS else {"https"}
    if not host or parts.scheme not in schemes:
        raise UserError("Enter an address that begins with https://.", "address")
    if parts.username or parts.password or parts.fragment:
        raise UserError("The address may hold neither a user name nor a fragment.", "address")
    is_address = re.fullmatch(r"[\d.]+|.*:.*", host)
    if host.lower() == "localhost" or (is_address and not is_permitted(host)):
        hint = "An operator can allow its network with BATCHCONSOLE_NOTIFICATION_NETWORKS."
        raise UserError(f"{host} is not a public address.", "address", hint)
    return f"{parts.scheme}://{parts.netloc}{_first_segment(parts.path)}"


def _first_segment(path: str) -> str:
    """Return *path* up to its second segment: in the addresses of many services, the rest is the secret."""
    first, slash, _ = path.lstrip("/").partition("/")
    return f"/{first}{'/…' if slash else ''}" if path else ""


ADDRESSES = {Kind.EMAIL: _check_mail, Kind.CHAT: _check_chat, Kind.WEBHOOK: _check_webhook}


def _values(channel: NotificationChannel) -> dict[str, Any]:
    """Return what the audit trail stores about *channel*; its address without secrets."""
    shown = {"name": channel.name, "kind": channel.kind, "address": channel.shown}
    return shown | {"occasions": channel.occasions, "scope": channel.scope}


def _record(verb: Verb, channel: NotificationChannel, actor: User, **values: dict[str, Any]) -> None:
    Event.objects.create(
        verb=verb, actor=actor, connection=channel.connection, target=f"channel {channel.name}"[:255], **values
    )
