"""Adapt allauth: how it counts attempts, where the links in its mail lead, and when users must reauthenticate."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse

from batchconsole.console.frame.audit import record_failure
from batchconsole.console.frame.session_life import needs_confirmation


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Disable sign-up: only administrators and an OpenID provider create accounts."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "The user name or the password is not right. Both are case-sensitive.",
        "enter_current_password": "This is not your present password.",
        "incorrect_password": "This is not your password.",
        "incorrect_code": "This code is not right, or it is too old.",
        "too_many_login_attempts": f"Too many wrong attempts. Try again in {settings.LOCKED_MINUTES} minutes.",
        "rate_limited": "There were many attempts in a short time. Wait a minute.",
    }

    def is_safe_url(self, url: str | None) -> bool:
        """Also return False for a malformed URL such as ``http://[::1``, for which allauth raises ValueError."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return ``REMOTE_ADDR``, which ClientAddressMiddleware has set to the client's address."""
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - stands for an unknown address

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return a key for account and client address, so wrong passwords sent from elsewhere lock nobody out."""
        name = str(credentials.get("email", credentials.get("username", "")))
        return f"{self.get_client_ip(request)}:{name.strip().casefold()}"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        record_failure(str(credentials.get("username", "")), by="password")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the URL for the mail. The key is in the query string, which access logs leave out."""
        link = f"{reverse('password-reset-link')}?{urlencode({'key': key})}"
        return self.request.build_absolute_uri(link) if self.request else link

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Say whether the user must reauthenticate; see ``needs_confirmation`` in frame/session_life.py."""
        return needs_confirmation(context.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Return password and second factors; for a user without either, the OpenID provider that made the account."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if methods or not settings.OPENID_ISSUER or not SocialAccount.objects.filter(user=user).exists():
            return methods
        url = reverse("openid_connect_login", args=["openid"])
        return [{"id": "openid", "description": f"Sign in with {settings.OPENID_NAME}", "url": url}]

    def get_from_email(self) -> str:
        return str(settings.DEFAULT_FROM_EMAIL)

    def format_email_subject(self, subject: str) -> str:
        return f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}"
