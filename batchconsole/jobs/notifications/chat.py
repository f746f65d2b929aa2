"""Chats and on-call services through apprise: the services on offer, and sending to one. It uses no database rows."""

import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import apprise
from apprise.plugins.base import NotifyBase
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.google_chat import NotifyGoogleChat
from apprise.plugins.gotify import NotifyGotify
from apprise.plugins.lark import NotifyLark
from apprise.plugins.mattermost import NotifyMattermost
from apprise.plugins.ntfy import NotifyNtfy
from apprise.plugins.opsgenie import NotifyOpsgenie
from apprise.plugins.pagerduty import NotifyPagerDuty
from apprise.plugins.pushover import NotifyPushover
from apprise.plugins.rocketchat import NotifyRocketChat
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.webexteams import NotifyWebexTeams
from apprise.plugins.workflows import NotifyWorkflows
from apprise.plugins.zulip import NotifyZulip

from batchconsole.jobs.errors import UserError

LOG = logging.getLogger("apprise")
# Services that apprise calls only by HTTPS. apprise knows many more; some of them would read a local file, start a
# local program, or use a protocol of their own.
SERVICES: tuple[type[NotifyBase], ...] = (
    NotifySlack,
    NotifyWorkflows,
    NotifyDiscord,
    NotifyGoogleChat,
    NotifyMattermost,
    NotifyRocketChat,
    NotifyWebexTeams,
    NotifyZulip,
    NotifyTelegram,
    NotifyDingTalk,
    NotifyFeishu,
    NotifyLark,
    NotifyNtfy,
    NotifyGotify,
    NotifyPushover,
    NotifyPagerDuty,
    NotifyOpsgenie,
)
# Allowed query parameters: parts of the services' own addresses, and the destination within a service. Others would
# make apprise read a file (template), follow redirects, or trust any certificate.
PARAMETERS = frozenset(
    {"api-version", "sp", "sv", "sig", "key", "token", "thread", "threadkey", "topic", "region", "priority", "severity"}
)
ASSET = apprise.AppriseAsset(
    app_id="Batch Console",
    app_desc="Batch Console",
    app_url="",
    async_mode=False,
    http_redirects=False,
    image_url_mask="",
    image_url_logo="",
)
CONNECT_SECONDS, READ_SECONDS = 4, 10
EXAMPLE = "Paste the webhook address that the service gives you, such as https://hooks.slack.com/services/..."


class Refused(Exception):
    """The service did not accept the message."""


def open_service(address: str) -> NotifyBase:
    """Return the service at *address*, its own webhook URL or an apprise URL. Raises UserError."""
    unknown = _parameters(address) - PARAMETERS
    if unknown:
        raise UserError(f"The address may not hold the parameter {min(unknown)}.", "address", EXAMPLE)
    service = next(filter(None, (_opened(kind, address) for kind in SERVICES)), None)
    if service is None:
        raise UserError("This is not the address of a service that is known here.", "address", EXAMPLE)
    return service


def _parameters(address: str) -> set[str]:
    try:
        query = urlsplit(address).query
    except ValueError as error:
        raise UserError("This is no address.", "address", EXAMPLE) from error
    return {name.lower().lstrip("+-:") for name, _ in parse_qsl(query, keep_blank_values=True)}


def _opened(kind: type[NotifyBase], address: str) -> NotifyBase | None:
    parsed = _parse(kind, address)
    if not parsed:
        return None
    try:
        service = kind(**{**parsed, "asset": ASSET})
    except TypeError as error:  # plugins raise it for an invalid token
        raise UserError(f"{name_of(kind)} cannot be reached by this address: {error}", "address", EXAMPLE) from error
    service.redirects, service.verify_certificate = False, True
    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
    service.request_rate_per_sec = 0  # otherwise it sleeps before each message
    return service


def _parse(kind: type[NotifyBase], address: str) -> Mapping[str, Any] | None:
    """Return the plugin's arguments for *address*; ``None`` if the address belongs to another service."""
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        return kind.parse_native_url(address)
    return kind.parse_url(address) if scheme in schemes(kind) else None


def schemes(kind: type[NotifyBase]) -> set[str]:
    """Return the schemes of apprise's URLs for the service."""
    found: set[str] = set()
    for each in (kind.protocol, kind.secure_protocol):
        found |= {each} if isinstance(each, str) else set(each or ())
    return found


def name_of(kind: type[NotifyBase]) -> str:
    """Return the name of the service."""
    return str(kind.service_name)


def shown(service: NotifyBase) -> str:
    """Return the address without its secrets and settings."""
    url = service.url(privacy=True)  # type: ignore[no-untyped-call] # the one method of it without types
    address, mark, _ = str(url).partition("?")
    return f"{name_of(type(service))} ({address.rstrip('/') if mark else address})"


def send_chat(address: str, *, title: str, body: str) -> None:
    """Send a message to the service at *address*. Raises :class:`Refused` or UserError."""
    service = open_service(address)
    with Overheard() as heard:
        is_sent = service.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    if not is_sent:
        raise Refused(heard.last or f"{name_of(type(service))} did not take the message.")


class Overheard(logging.Handler):
    """Captures what apprise logs in this thread, because only the log says why a message was not accepted."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def __enter__(self) -> "Overheard":
        LOG.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        LOG.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.last = record.getMessage()
