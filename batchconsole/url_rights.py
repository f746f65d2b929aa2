"""The right that each URL needs. It is declared with the URL, by :func:`page`; a URL that declares none is refused."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache, wraps
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, path

from batchconsole.jobs.models import Right

View = Callable[..., Any]
MARK = "right_of_url"


class Audience(StrEnum):
    """The audience of a URL that belongs to no connection, or that checks rights itself."""

    EVERYBODY = "everybody"  # signed in or not
    SIGNED_IN = "signed in"
    STAFF = "staff"  # may open the administration
    PROGRAMS = "programs"  # anyone with a key; the API checks the right that the operation needs


class Act(StrEnum):
    """The right to act on jobs: ``submit`` for the user's own jobs, ``operate`` for other people's."""

    ON_JOB = "on a job"  # the job whose id is in the URL
    ON_JOBS = "on jobs"  # either right will do; the action checks each job again
    ON_ANY_JOBS = "on any jobs"  # either right will do, whoever created them


Needed = Right | Audience | Act
UNSIGNED = (Audience.EVERYBODY, Audience.PROGRAMS)


def page(route: str, view: View, *, name: str, right: Needed) -> URLPattern:
    """Return ``path(route, view, name=name)`` with the *right* that it needs on the connection named in the URL."""
    return path(route, _marked(view, right), name=name)


def declare(patterns: Iterable[URLPattern | URLResolver], right: Needed) -> list[URLPattern | URLResolver]:
    """Declare *right* for URL patterns of other packages that declare none; those open to everybody stay open."""
    found = list(patterns)
    for each in found:
        if isinstance(each, URLResolver):
            declare(each.url_patterns, right)
        elif needed_by(each.callback) is None:
            is_open = not getattr(each.callback, "login_required", True)
            each.callback = _marked(each.callback, Audience.EVERYBODY if is_open else right)
    return found


def _marked(view: View, right: Needed) -> View:
    """Return a wrapper of *view* that carries its right; a wrapper, because one view may serve several URLs."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    setattr(marked, MARK, right)
    if right in UNSIGNED:
        marked.login_required = False  # type: ignore[attr-defined] # as Django's login_not_required does
    return marked


@cache
def needed_at(name: str) -> Needed | None:
    """Return what the URL *name* needs, or ``None`` if there is no such URL or it declares nothing."""
    return next((needed_by(each.callback) for each in all_patterns(get_resolver()) if each.name == name), None)


def all_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Yield every URL pattern below *resolver*."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from all_patterns(each)
        else:
            yield each


def needed_by(view: View) -> Needed | None:
    """Return what *view* needs, or ``None`` if its URL declares nothing."""
    right: Needed | None = getattr(view, MARK, None)
    return right
