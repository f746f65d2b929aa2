"""The secrets of channels: encrypted addresses, and the secrets that sign webhooks. Both depend on the server's key.

A copy of the database alone reveals none of them. After a change of the server's secret key, addresses have to be
entered again, and webhooks have new secrets.
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
    """Return *address* encrypted, as it is stored."""
    return _fernet().encrypt(address.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the decrypted address. Raises UserError if the server's key has changed."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise UserError(
            "The address can no longer be read: it was sealed with another secret key of the console.",
            hint="Enter the address again.",
        ) from error


def signing_secret(channel: NotificationChannel, number: int | None = None) -> str:
    """Return the secret number *number*, by default the current one: ``whsec_`` and 32 bytes in base64.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    which = number or channel.secret_number
    return PREFIX + base64.b64encode(_derive(f"webhook:{channel.uid}:{which}")).decode()


def signing_secrets(channel: NotificationChannel, now: datetime) -> list[str]:
    """Return the secrets that sign a message: the current one, and for a day after a rotation the previous one."""
    found = [signing_secret(channel)]
    if channel.rotated_at and now < channel.rotated_at + OLD_SECRET_LIFE:
        found.append(signing_secret(channel, channel.secret_number - 1))
    return found


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derive("channel-addresses")))


def _derive(use: str) -> bytes:
    """Return 32 bytes derived from the server's key for one purpose."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"notifications:{use}".encode(), "sha256")
