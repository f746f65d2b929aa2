"""How allauth works here: whom it counts attempts against, where its mail leads, and when it asks again who one is."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from batchconsole.console.frame.audit import record_failure


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Accounts are made by administrators or by an OpenID provider, never by whoever comes along."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "The user name or the password is not right. Both are case-sensitive.",
        "enter_current_password": "This is not your present password.",
        "incorrect_password": "This is not your password.",
        "incorrect_code": "This code is not right, or it is too old.",
        "too_many_login_attempts": f"Too many wrong attempts. Try again in {settings.LOCKED_MINUTES} minutes.",
        "rate_limited": "There were many attempts in a short time. Wait a minute.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """ClientAddressMiddleware has put the client's address there."""
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - an address that is nobody's

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Whom a wrong password counts against: the account from this address, not the account from everywhere."""
        name = str(credentials.get("email", credentials.get("username", "")))
        return f"{self.get_client_ip(request)}:{name.strip().casefold()}"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        record_failure(str(credentials.get("username", "")), by="password")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The address in the mail. The key is in its query, which access logs leave out."""
        link = f"{reverse('password-reset-link')}?{urlencode({'key': key})}"
        return self.request.build_absolute_uri(link) if self.request else link

    def get_from_email(self) -> str:
        return str(settings.DEFAULT_FROM_EMAIL)

    def format_email_subject(self, subject: str) -> str:
        return f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}"
