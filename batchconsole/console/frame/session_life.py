"""How long a session lives, and when one is asked again who one is.

A session ends when nothing has been done with it for a while, and after a time whatever is done with it. What pages ask
by themselves is nothing done. Connections, people and keys are changed only shortly after one has said who one is: a
form may be opened for some minutes after that, and an open form be sent for an hour.
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
SEEN_STEP = 60  # seconds: how exactly it is known when a session was last used
OPEN_FORM_SECONDS = 3600
# The tables whose forms in the administration ask for a fresh confirmation: app label and, or all of it, the model.
GUARDED = frozenset({"auth", "account", "mfa", "socialaccount", "usersessions"})
GUARDED_MODELS = frozenset({"connection", "role", "grant", "apikey"})
FORMS = ("_add", "_change", "_delete", "_password_change")
OWN = frozenset({"api-key-create", "api-key-revoke", "account_set_password"})
# Reached without the second factor that is required: what adds one, and the way out.
WITHOUT_FACTOR = ("mfa_", "account_", "logout", "login", "account", "help", "healthz", "readyz", "metrics")


class SessionLifeMiddleware:
    """End sessions in time, and ask for confirmations and required factors before the view."""

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
            return None  # the sign-in page comes next, unless the page is for everybody
        note_use(request, time.time())
        if lacks_factor(request, request.user, name):
            messages.info(request, "This console requires a second factor. Add one to go on.")
            return redirect("mfa_index")
        if is_guarded(request, name) and needs_confirmation(request, is_open=request.method not in SAFE):
            return ask_again(request)
        return None


def is_over(request: HttpRequest, now: float) -> bool:
    started, seen = request.session.get(SIGNED_IN), request.session.get(SEEN)
    if started is None or seen is None:  # a session from before there were these
        return False
    return bool(now - seen > settings.SESSION_IDLE_SECONDS or now - started > settings.SESSION_COOKIE_AGE)


def note_use(request: HttpRequest, now: float) -> None:
    """Write down that a person uses the session, once a minute at most."""
    request.session.setdefault(SIGNED_IN, now)
    if not is_renewal(request) and now - request.session.get(SEEN, 0) > SEEN_STEP:
        request.session[SEEN] = now
        UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=timezone.now())


def lacks_factor(request: HttpRequest, user: User, name: str) -> bool:
    """Whether a second factor is required that the person has not got; a provider's sign-in has its own."""
    if not settings.REQUIRE_MFA or name.startswith(WITHOUT_FACTOR):
        return False
    by_provider = any(each["method"] == "socialaccount" for each in get_authentication_records(request, user))
    return not by_provider and not is_mfa_enabled(user)


def is_guarded(request: HttpRequest, name: str) -> bool:
    """Whether the URL changes connections, people or keys."""
    if name in OWN:
        return True
    app, _, rest = name.removeprefix("admin:").partition("_")
    if not name.startswith("admin:") or not (app in GUARDED or rest.partition("_")[0] in GUARDED_MODELS):
        return False
    return name.endswith(FORMS) or request.method not in SAFE


def needs_confirmation(request: HttpRequest, *, is_open: bool = False) -> bool:
    """Whether the person said too long ago who they are; who has no password and no factor cannot say it again."""
    if not isinstance(request.user, User) or not get_adapter().get_reauthentication_methods(request.user):
        return False
    said = [each["at"] for each in get_authentication_records(request, request.user)]
    last = max([*said, request.session.get(SIGNED_IN, 0)])
    allowed = 60 * settings.CONFIRMED_MINUTES + (OPEN_FORM_SECONDS if is_open else 0)
    return bool(time.time() - last > allowed)


def ask_again(request: HttpRequest) -> HttpResponse:
    """The page that asks who one is, and leads back. What was posted is not kept: it may hold passwords."""
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
