"""System checks with hints: what would make a served console unsafe."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from batchconsole.settings import NO_SECRET_KEY


@register(Tags.security, deploy=True)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    missing = missing_secret_key()
    return [missing] if missing else []


def missing_secret_key() -> Error | None:
    """The error of a console without a secret key. Commands that serve nothing go without one; wsgi.py does not."""
    if settings.SECRET_KEY != NO_SECRET_KEY:
        return None
    return Error(
        "There is no secret key, and without one nobody's session is safe.",
        hint="Set BATCHCONSOLE_SECRET_KEY (or BATCHCONSOLE_SECRET_KEY_FILE) to 50 random characters or more. "
        "`manage.py up` makes one in its data folder by itself.",
        id="batchconsole.E001",
    )
