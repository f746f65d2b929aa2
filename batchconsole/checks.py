"""System checks, with hints, for settings that are unreadable or would make a served console unsafe."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from batchconsole.openid_groups import read_group_grant
from batchconsole.settings import NO_SECRET_KEY


@register(Tags.security, deploy=True)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    missing = missing_secret_key()
    return [missing] if missing else []


def missing_secret_key() -> Error | None:
    """Return an error if there is no secret key. Commands that serve nothing run without one; wsgi.py does not."""
    if settings.SECRET_KEY != NO_SECRET_KEY:
        return None
    return Error(
        "There is no secret key, and without one nobody's session is safe.",
        hint="Set BATCHCONSOLE_SECRET_KEY (or BATCHCONSOLE_SECRET_KEY_FILE) to 50 random characters or more. "
        "`manage.py up` makes one in its data folder by itself.",
        id="batchconsole.E001",
    )


@register(Tags.security)
def check_sign_in(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    return [*sign_in_errors()]


def sign_in_errors() -> list[Error]:
    """Return an error for each unreadable sign-in or notification setting; wsgi.py refuses to start with any."""
    found = []
    for name, value, read, code, page in (
        ("BATCHCONSOLE_TRUSTED_PROXIES", settings.TRUSTED_PROXIES, ip_network, "batchconsole.E002", "sign-in"),
        ("BATCHCONSOLE_OPENID_GROUPS", settings.OPENID_GROUPS, read_group_grant, "batchconsole.E003", "sign-in"),
        (
            "BATCHCONSOLE_NOTIFICATION_NETWORKS",
            settings.NOTIFICATION_NETWORKS,
            ip_network,
            "batchconsole.E004",
            "notifications",
        ),
    ):
        for entry in value:
            try:
                read(entry.strip())
            except ValueError as error:
                found.append(Error(f"{name}: {error}", hint=f"docs/{page}.md shows how it is written.", id=code))
    return found
