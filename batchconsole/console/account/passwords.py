"""Setting a password by a link sent by mail."""

from typing import Any

from allauth.account.views import PasswordResetView
from allauth.account.views._password_reset import INTERNAL_RESET_SESSION_KEY
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class ResetView(PasswordResetView):  # type: ignore[misc] # allauth ships no types
    """Ask for the e-mail address to send a link to; tell the template whether mail is set up."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "has_mail": bool(settings.EMAIL_HOST)}


def open_link(request: HttpRequest) -> HttpResponse:
    """Open the link from the mail: store its key in the session and redirect to a URL without the key."""
    uid, _, key = request.GET.get("key", "").partition("-")
    if not uid.isalnum() or not key:
        return redirect("account_reset_password")
    request.session[INTERNAL_RESET_SESSION_KEY] = key
    return redirect("account_reset_password_from_key", uidb36=uid, key="set-password")
