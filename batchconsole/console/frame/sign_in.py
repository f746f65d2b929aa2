"""Signing in: by password, or by a one-time link such as ``manage.py up`` prints; and the page of a locked account."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as start_session
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from sesame.utils import get_user

from batchconsole.console.kit.links import back_to

LINK = "sesame"


@login_not_required
def login(request: HttpRequest) -> HttpResponseBase:
    if LINK in request.GET:
        return sign_in_by_link(request)
    return LoginView.as_view(redirect_authenticated_user=True)(request)


def sign_in_by_link(request: HttpRequest) -> HttpResponse:
    """Use up the link's token. A link that fails leads to the password page, unless one is signed in already."""
    user = get_user(request)
    if user is None and request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request))
    if user is None:
        messages.error(request, "This sign-in link has been used or has expired. Sign in with your password.")
        return redirect(settings.LOGIN_URL)
    start_session(request, user)
    return HttpResponseRedirect(safe_next(request))


def safe_next(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is on this site; else the front page."""
    return back_to(request, resolve_url(settings.LOGIN_REDIRECT_URL))


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What django-axes answers after too many wrong passwords."""
    context = {
        "minutes": round(settings.AXES_COOLOFF_TIME * 60),
        "limit": settings.AXES_FAILURE_LIMIT,
        "username": (credentials or {}).get("username", "") or request.POST.get("username", ""),
    }
    return render(request, "registration/locked_out.html", context, status=429)
