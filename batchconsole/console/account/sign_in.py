"""Signing in by password, and by a link such as the one that ``manage.py up`` prints.

Link previews fetch links, so a GET request neither signs anybody in nor uses up the link: it shows a page with a
button. Invalid links do not count as wrong passwords: they lock nobody out, and a locked-out user may use a link.
"""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from sesame.backends import ModelBackend as LinkBackend

from batchconsole.console.frame.audit import record_failure
from batchconsole.console.frame.home import safe_next

LINK = "sesame"
LINK_BACKEND = "sesame.backends.ModelBackend"


class PasswordView(LoginView):  # type: ignore[misc] # allauth ships no types
    """The form for user name and password; the page also offers the other ways to sign in."""

    template_name = "console/account/sign_in.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        if form.is_locked_out:
            return show_locked_out(self.request, form.data.get("username", ""))
        response: HttpResponse = super().form_invalid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        more = {
            "is_up": settings.IS_UP,
            "provider": settings.OPENID_ISSUER and settings.OPENID_NAME,
            "has_mail": bool(settings.EMAIL_HOST),
        }
        return {**super().get_context_data(**kwargs), **more}


def login(request: HttpRequest) -> HttpResponseBase:
    if LINK in request.POST:
        return sign_in_by_link(request)
    if LINK in request.GET and request.method != "POST":
        return show_link(request)
    view: HttpResponseBase = PasswordView.as_view()(request)
    return view


def show_link(request: HttpRequest) -> HttpResponse:
    """Show the page with the button. Its referrer policy keeps the link's token from other pages.

    The policy is not ``no-referrer``: with it, browsers post the form with ``Origin: null``, which Django's CSRF
    protection refuses (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
    """
    user = user_of_link(request.GET[LINK])
    if user is None:
        return refuse_link(request)
    response = render(request, "console/account/link.html", {"token": request.GET[LINK], "next": safe_next(request)})
    response["Referrer-Policy"] = "strict-origin"
    return response


def sign_in_by_link(request: HttpRequest) -> HttpResponse:
    """Use up the link's token and sign in; of two concurrent requests with one token, only the first succeeds."""
    with transaction.atomic():
        user = user_of_link(request.POST[LINK], lock=True)
        if user is not None:
            start_session(request, user, backend=LINK_BACKEND)
            record_authentication(request, user, method="link")
    if user is None:
        record_failure("", by="link")
        return refuse_link(request)
    return HttpResponseRedirect(safe_next(request))


def user_of_link(token: str, *, lock: bool = False) -> User | None:
    """Return the user whom *token* signs in, or None if it is used, expired or invalid; *lock* locks the user's row."""
    found: User | None = LinkBackend().authenticate(None, sesame=token)
    if found is None or not lock:
        return found
    User.objects.select_for_update().get(pk=found.pk)
    locked: User | None = LinkBackend().authenticate(None, sesame=token)
    return locked


def refuse_link(request: HttpRequest) -> HttpResponse:
    """Redirect from an invalid link to the password page, or to the next page if the user is already signed in."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request))
    messages.error(request, "This sign-in link has been used or has expired. Ask for another, or use your password.")
    return redirect(settings.LOGIN_URL)


def show_locked_out(request: HttpRequest, username: str) -> HttpResponse:
    """Return the page shown after too many wrong passwords, with status 429."""
    context = {"minutes": settings.LOCKED_MINUTES, "limit": settings.WRONG_PASSWORDS, "username": username}
    context |= {"is_up": settings.IS_UP, "has_provider": bool(settings.OPENID_ISSUER)}
    return render(request, "console/account/locked_out.html", context, status=429)
