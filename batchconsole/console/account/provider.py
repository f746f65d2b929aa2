"""Signing in by an OpenID provider: accounts are made of its claims, and its groups decide the grants."""

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from batchconsole.jobs.provider_groups import apply_groups


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Whoever the provider lets in has an account here; without a mapped group it may do nothing."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        """The claims are all there is to know; an account of the same name is somebody else's, so this gets another."""
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Somebody who was here before: what the provider says of groups counts from now on."""
        if sociallogin.is_existing:
            apply_groups(sociallogin.user, groups_of(sociallogin.account.extra_data))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        apply_groups(user, groups_of(sociallogin.account.extra_data))
        return user


def groups_of(data: dict[str, Any]) -> set[str]:
    """The names in the groups claim, of the user's information and of the ID token."""
    found: set[str] = set()
    for claims in (data.get("userinfo"), data.get("id_token")):
        value = (claims or {}).get(settings.OPENID_GROUPS_CLAIM, [])
        found |= {value} if isinstance(value, str) else {str(each) for each in value or []}
    return found
