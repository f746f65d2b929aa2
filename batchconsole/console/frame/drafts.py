"""Drafts: the entries of a form whose session had ended, kept until the user is back at the form.

A draft is stored in the session on the server, even before sign-in, so neither a URL nor the browser contains it. A
draft is only used to fill in the form again.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode

from batchconsole.console.kit.answers import wants_part

OWNER = "drafts_of"  # in the session: key of the user whose session ended, if known
KEY = "drafts"  # in the session: urlencoded entries by the path of the form, newest last
MARK = "restored"  # in the query string: open the form with its draft
TAKES_DRAFTS = "takes_drafts"
MOST_BYTES = 256 << 10  # of all drafts of a session: anybody who reaches the sign-in page can store some
MOST_DRAFTS = 4
ANONYMOUS_SECONDS = 24 * 3600  # how long a draft is kept without a sign-in
# Fields that no draft holds. Secrets among them: passwords, and the addresses of channels, which are stored sealed.
NOT_KEPT = ("csrfmiddlewaretoken", "draft_path", "password", "password1", "password2", "address")
View = TypeVar("View", bound=Callable[..., Any])


def takes_drafts(view: View) -> View:
    """Mark a view whose form can open with a draft from :func:`restored`."""
    setattr(view, TAKES_DRAFTS, "")
    return view


def takes_drafts_on(page: str) -> Callable[[View], View]:
    """Mark a view that a form on another page posts to: the page of that URL name, for the same arguments."""

    def mark(view: View) -> View:
        setattr(view, TAKES_DRAFTS, page)
        return view

    return mark


def page_of(path: str) -> str:
    """Return the path of the page with the form that posts to *path*; empty if the form has no drafts."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    page = getattr(match.func, TAKES_DRAFTS, None)
    if page is None:
        return ""
    return reverse(page, args=match.args, kwargs=match.kwargs) if page else path


def keep(request: HttpRequest, path: str, data: QueryDict) -> bool:
    """Keep the entries *data* of the form that posts to *path*, if it has drafts.

    Return False if it has none, the entries are too large, or too many were sent.
    """
    path, fields = page_of(path), data.copy()
    if not path:
        return False
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
    """Whether the client may store a draft: without a sign-in, the number per address is limited."""
    if request.user.is_authenticated:
        return True
    return bool(ratelimit.consume(request, action="draft"))


def _newest(drafts: dict[str, str]) -> dict[str, str]:
    """Return the newest of *drafts* that fit into ``MOST_DRAFTS`` and ``MOST_BYTES``."""
    kept: dict[str, str] = {}
    for path, text in list(drafts.items())[: -MOST_DRAFTS - 1 : -1]:
        if sum(map(len, (*kept, *kept.values(), path, text))) > MOST_BYTES:
            break
        kept = {path: text} | kept
    return kept


def note_owner(request: HttpRequest, user: User) -> None:
    """Note that drafts stored in this session belong to *user*, until somebody signs in."""
    request.session[OWNER] = user.pk
    request.session.set_expiry(ANONYMOUS_SECONDS)


def url_of(url: str) -> str:
    """Return the form's *url* with the parameter that opens it with its draft."""
    path, _, query = url.partition("?")
    data = QueryDict(query, mutable=True)
    data.pop(MARK, None)
    return f"{path}?{'&'.join(filter(None, [data.urlencode(), urlencode({MARK: 1})]))}"


def find(request: HttpRequest) -> QueryDict | None:
    """Return the draft for the form, or None if its URL does not ask for it or there is none."""
    text = request.session.get(KEY, {}).get(request.path) if MARK in request.GET and request.method == "GET" else None
    return None if text is None else QueryDict(text)


def restored(request: HttpRequest) -> QueryDict | None:
    """Return the draft for the form like :func:`find`, and say so on the page."""
    draft = find(request)
    if draft is not None and not wants_part(request):  # a page that keeps itself up to date has said it
        messages.info(request, "Your entries were restored. Nothing has been submitted yet.")
    return draft


def restored_value(request: HttpRequest, name: str, default: str = "") -> str:
    """Return the value of one field like :func:`restored`, or *default* without a draft."""
    draft = restored(request)
    return default if draft is None else str(draft.get(name, default))


def discard(request: HttpRequest) -> None:
    """Forget the draft of the form that posts to the request's path."""
    drafts = request.session.get(KEY, {})
    page = page_of(request.path)
    if page in drafts:
        request.session[KEY] = {path: text for path, text in drafts.items() if path != page}


@receiver(user_logged_in, dispatch_uid="console.drafts")
def _outlive_anonymity(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """After a sign-in, reset the session's expiry to the default and drop drafts that belong to another user."""
    owner = request.session.pop(OWNER, None)
    if owner not in (None, user.pk):
        request.session.pop(KEY, None)
    if KEY in request.session or owner is not None:
        request.session.set_expiry(None)
