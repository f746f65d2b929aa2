"""Drafts: what somebody had filled into a form when their session was over, kept until they are back at the form.

A draft lies in the browser's session, also in one that nobody has signed in with yet, so that neither an address nor
the browser holds it. Nothing is ever done with a draft but to fill in the form again.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve
from django.utils.http import urlencode

OWNER = "drafts_of"  # in the session: whose it was before it was over, as far as that is known
KEY = "drafts"  # in the session: texts like query strings, by the path of the form, the newest last
MARK = "restored"  # in the query string of a form that is to open with its draft
TAKES_DRAFTS = "takes_drafts"
MOST_BYTES = 256 << 10  # of all drafts of a browser: anybody who reaches the sign-in page can leave some
MOST_DRAFTS = 4
ANONYMOUS_SECONDS = 24 * 3600  # how long a draft waits for somebody to sign in
NOT_KEPT = ("csrfmiddlewaretoken", "draft_path")
View = TypeVar("View", bound=Callable[..., Any])


def takes_drafts(view: View) -> View:
    """Mark a view whose form opens with what :func:`restored` returns."""
    setattr(view, TAKES_DRAFTS, True)
    return view


def has_form(path: str) -> bool:
    """Whether the page at *path* has a form that drafts are kept of."""
    try:
        return getattr(resolve(path).func, TAKES_DRAFTS, False)
    except Resolver404:
        return False


def keep(request: HttpRequest, path: str, data: QueryDict) -> bool:
    """Keep the fields *data* of the form at *path*; false when they are too much to be kept."""
    fields = data.copy()
    for name in NOT_KEPT:
        fields.pop(name, None)
    text = fields.urlencode()
    if len(path) + len(text) > MOST_BYTES or not _may_keep(request):
        return False
    others = {place: each for place, each in request.session.get(KEY, {}).items() if place != path}
    request.session[KEY] = _newest(others | {path: text})
    if not request.user.is_authenticated:
        request.session.set_expiry(ANONYMOUS_SECONDS)
        request.session.clear_expired()
    return True


def _may_keep(request: HttpRequest) -> bool:
    """Whether the sender may: anybody can leave drafts without signing in, so an address has a limit."""
    if request.user.is_authenticated:
        return True
    return bool(ratelimit.consume(request, action="draft"))


def _newest(drafts: dict[str, str]) -> dict[str, str]:
    """The newest of *drafts* that there is room for."""
    kept: dict[str, str] = {}
    for path, text in list(drafts.items())[: -MOST_DRAFTS - 1 : -1]:
        if sum(map(len, (*kept, *kept.values(), path, text))) > MOST_BYTES:
            break
        kept = {path: text} | kept
    return kept


def note_owner(request: HttpRequest, user: User) -> None:
    """What is kept in the session from here on, until somebody signs in, is *user*'s."""
    request.session[OWNER] = user.pk
    request.session.set_expiry(ANONYMOUS_SECONDS)


def url_of(url: str) -> str:
    """*url*, a form's, such that it opens with its draft."""
    path, _, query = url.partition("?")
    data = QueryDict(query, mutable=True)
    data.pop(MARK, None)
    return f"{path}?{'&'.join(filter(None, [data.urlencode(), urlencode({MARK: 1})]))}"


def restored(request: HttpRequest) -> QueryDict | None:
    """The fields to open the form with, where its URL asks for them and they are still there."""
    text = request.session.get(KEY, {}).get(request.path) if MARK in request.GET and request.method == "GET" else None
    if text is None:
        return None
    messages.info(request, "Your entries were restored. Nothing has been submitted yet.")
    return QueryDict(text)


def discard(request: HttpRequest) -> None:
    """Forget the draft of the form at the request's path."""
    drafts = request.session.get(KEY, {})
    if request.path in drafts:
        request.session[KEY] = {path: text for path, text in drafts.items() if path != request.path}


@receiver(user_logged_in, dispatch_uid="console.drafts")
def _outlive_anonymity(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """Let the session of somebody who has signed in last as long as any other, without drafts of somebody else."""
    owner = request.session.pop(OWNER, None)
    if owner not in (None, user.pk):
        request.session.pop(KEY, None)
    if KEY in request.session or owner is not None:
        request.session.set_expiry(None)
