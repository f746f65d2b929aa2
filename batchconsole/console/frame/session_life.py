"""How long a session lasts, and when users must confirm their identity.

A session ends when it has been idle for some time, and after a maximum age in any case. Requests that pages make by
themselves do not count as use. Changing connections, users or keys requires a recent confirmation: a form may be opened
for some minutes after it, and submitted for one hour more.
"""

import time
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from batchconsole.console.frame import drafts
from batchconsole.console.frame.audit import SAFE
from batchconsole.console.kit.answers import is_renewal

SIGNED_IN, SEEN = "signed_in_at", "seen_at"  # in the session, in seconds since 1970
SEEN_STEP = 60  # seconds: precision of the time of last use
OPEN_FORM_SECONDS = 3600
# Admin forms that require a recent confirmation: those of all models of some apps, and of some other models.
GUARDED = frozenset({"auth", "account", "mfa", "socialaccount", "usersessions"})
GUARDED_MODELS = frozenset({"connection", "role", "grant", "apikey"})
FORMS = ("_add", "_change", "_delete", "_password_change")
OWN = frozenset({"api-key-create", "api-key-revoke", "account_set_password"})
# Prefixes of URL names that work without a required second factor: to add one, to sign out, for help, for machines.
WITHOUT_FACTOR = ("mfa_", "account_", "logout", "login", "account", "help", "healthz", "readyz", "metrics")


class SessionLifeMiddleware:
    """End expired sessions, and ask for confirmations and required second factors before the view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not isinstance(request.user, User):
            return None
        if is_over(request, time.time()):
            person = request.user
            logout(request)
            drafts.note_owner(request, person)
            return None  # SignInMiddleware comes next; pages for everybody are shown
        note_use(request, time.time())
        if lacks_factor(request, request.user, name):
            messages.info(request, "This console requires a second factor. Add one to go on.")
            return redirect("mfa_index")
        if is_guarded(request, name) and needs_confirmation(request, is_open=request.method not in SAFE):
            return ask_again(request)
        return None


def is_over(request: HttpRequest, now: float) -> bool:
    started, seen = request.session.get(SIGNED_IN), request.session.get(SEEN)
    if started is None or seen is None:  # a session from before these values existed
        return False
    return bool(now - seen > settings.SESSION_IDLE_SECONDS or now - started > settings.SESSION_COOKIE_AGE)


def note_use(request: HttpRequest, now: float) -> None:
    """Record that the user uses the session, at most once a minute."""
    request.session.setdefault(SIGNED_IN, now)
    if not is_renewal(request) and now - request.session.get(SEEN, 0) > SEEN_STEP:
        request.session[SEEN] = now
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())


def lacks_factor(request: HttpRequest, user: User, name: str) -> bool:
    """Whether a second factor is required and missing; not after a provider's sign-in, which has its own factors."""
    if not settings.REQUIRE_MFA or name.startswith(WITHOUT_FACTOR):
        return False
    by_provider = any(each["method"] == "socialaccount" for each in get_authentication_records(request, user))
    return not by_provider and not is_mfa_enabled(user)


def is_guarded(request: HttpRequest, name: str) -> bool:
    """Whether the request opens or submits a form that changes connections, users, roles, grants or keys."""
    if name in OWN:
        return True
    app, _, rest = name.removeprefix("admin:").partition("_")
    if not name.startswith("admin:") or not (app in GUARDED or rest.partition("_")[0] in GUARDED_MODELS):
        return False
    return name.endswith(FORMS) or request.method not in SAFE


def needs_confirmation(request: HttpRequest, *, is_open: bool = False) -> bool:
    """Whether the last confirmation is too old; always False for users who have no way to confirm.

    With *is_open*, the request submits a form that was open already, for which an hour more is allowed.
    """
    if not isinstance(request.user, User) or not get_adapter().get_reauthentication_methods(request.user):
        return False
    said = [each["at"] for each in get_authentication_records(request, request.user)]
    last = max([*said, request.session.get(SIGNED_IN, 0)])
    allowed = 60 * settings.CONFIRMED_MINUTES + (OPEN_FORM_SECONDS if is_open else 0)
    return bool(time.time() - last > allowed)


def ask_again(request: HttpRequest) -> HttpResponse:
    """Redirect to the confirmation page, which leads back. Posted data is not kept: it may contain passwords."""
    url = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
    if request.method not in SAFE:
        messages.warning(request, "Nothing was changed yet: confirm that it is you, then send it again.")
        request.method = "GET"
    response: HttpResponse = suspend_request(request, url)
    return response


@receiver(user_logged_in, dispatch_uid="console.session_life")
def _start(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    request.session[SIGNED_IN] = request.session[SEEN] = time.time()
    if request.META.get("REMOTE_ADDR"):
        UserSession.objects.create_from_request(request, user=user)
