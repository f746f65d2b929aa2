"""Signing in by an OpenID provider: its claims create the account, and its groups decide the grants."""

import logging
from collections.abc import Callable
from typing import Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.openid_connect import views as openid
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batchconsole.jobs.rights.provider_groups import apply_groups

logger = logging.getLogger(__name__)
# The provider is unreachable, or its discovery document is not a valid OpenID configuration.
FAILURES = (requests.RequestException, ValueError, KeyError)


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Redirect to the provider after the user has pressed the button."""
    return or_failure(request, openid.login, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Handle the redirect back from the provider."""
    return or_failure(request, openid.callback, provider_id)


def or_failure(request: HttpRequest, view: Callable[..., HttpResponse], provider_id: str) -> HttpResponse:
    """Return the response of *view*, or an error page with status 502 if the provider cannot be used."""
    try:
        return view(request, provider_id)
    except FAILURES as error:
        logger.warning("The OpenID provider %s cannot be used: %s", settings.OPENID_ISSUER, error)
        return render(request, "socialaccount/authentication_error.html", status=502)


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Give everyone whom the provider lets in an account; without a mapped group it has no rights."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Sign up without a form: an account of the same name is somebody else's, so this one gets another name."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Apply the provider's current groups to a user who already has an account."""
        if sociallogin.is_existing:
            apply_groups(sociallogin.user, groups_of(sociallogin.account.extra_data))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        apply_groups(user, groups_of(sociallogin.account.extra_data))
        return user


def groups_of(data: dict[str, Any]) -> set[str]:
    """Return the group names from the groups claims of the user info response and of the ID token."""
    found: set[str] = set()
    for claims in (data.get("userinfo"), data.get("id_token")):
        value = (claims or {}).get(settings.OPENID_GROUPS_CLAIM, [])
        found |= {value} if isinstance(value, str) else {str(each) for each in value or []}
    return found
