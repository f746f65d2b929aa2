"""What channels keep secret: sealed addresses, and the secrets that sign webhooks. Both hang on the server's key.

A copy of the database alone opens nothing. With another secret key, addresses have to be entered anew, and webhooks
have other secrets.
"""

import base64
import hmac
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import NotificationChannel

OLD_SECRET_LIFE = timedelta(days=1)
PREFIX = "whsec_"


def seal(address: str) -> str:
    """*address* as it is stored."""
    return _fernet().encrypt(address.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed. Raises UserError where the server's key is another now."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise UserError(
            "The address can no longer be read: it was sealed with another secret key of the console.",
            hint="Enter the address again.",
        ) from error


def signing_secret(channel: NotificationChannel, number: int | None = None) -> str:
    """The secret number *number*, by default the present one: ``whsec_`` and 32 bytes in base64.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    which = number or channel.secret_number
    return PREFIX + base64.b64encode(_derive(f"webhook:{channel.uid}:{which}")).decode()


def signing_secrets(channel: NotificationChannel, now: datetime) -> list[str]:
    """The secrets that sign a message: the present one, and for a day after it was changed the one before."""
    found = [signing_secret(channel)]
    if channel.rotated_at and now < channel.rotated_at + OLD_SECRET_LIFE:
        found.append(signing_secret(channel, channel.secret_number - 1))
    return found


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derive("channel-addresses")))


def _derive(use: str) -> bytes:
    """32 bytes for one use of the server's key."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"notifications:{use}".encode(), "sha256")
