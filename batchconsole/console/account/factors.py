"""Second factors: encrypt their secrets in the database, and keep the last one if a second factor is required."""

import base64
import hmac
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth ships no types
    """Encrypt with a key derived from ``SECRET_KEY``, so a copy of the database alone reveals no factor."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right, or it is too old.",
        "cannot_delete_authenticator": "This console requires a second factor. Add another one before removing this.",
        "cannot_generate_recovery_codes": "Recovery codes are for accounts with a second factor. Add one first.",
    }

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        if not settings.REQUIRE_MFA:
            return True
        others = type(authenticator).objects.filter(user=authenticator.user).exclude(pk=authenticator.pk)
        return bool(others.exclude(type="recovery_codes").exists())


def cipher() -> Fernet:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"second-factors", "sha256")
    return Fernet(base64.urlsafe_b64encode(key))
