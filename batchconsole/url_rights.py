"""Which right each URL takes: it says so where it is declared, with :func:`page`. One that says nothing is refused."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import cache, wraps
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, path

from batchconsole.jobs.models import Right

View = Callable[..., Any]
MARK = "right_of_url"


class Audience(StrEnum):
    """Whom a URL is for that belongs to no connection, or that asks for rights by itself."""

    EVERYBODY = "everybody"  # signed in or not
    SIGNED_IN = "signed in"
    STAFF = "staff"  # who may open the administration
    PROGRAMS = "programs"  # whoever sends a key; the API asks which right the operation takes


class Act(StrEnum):
    """What it takes to act on jobs: one's own ``submit``, anybody else's ``operate``."""

    ON_JOB = "on a job"  # the one whose key the URL holds
    ON_JOBS = "on jobs"  # one of the two; the verb asks again of each job


Needed = Right | Audience | Act
UNSIGNED = (Audience.EVERYBODY, Audience.PROGRAMS)


def page(route: str, view: View, *, name: str, right: Needed) -> URLPattern:
    """``path(route, view, name=name)`` that says which right it takes, on the connection that the URL names."""
    return path(route, _marked(view, right), name=name)


def declare(patterns: Iterable[URLPattern | URLResolver], right: Needed) -> list[URLPattern | URLResolver]:
    """*patterns* that somebody else made, each of which takes *right*; those open to everybody stay so."""
    found = list(patterns)
    for each in found:
        if isinstance(each, URLResolver):
            declare(each.url_patterns, right)
        elif needed_by(each.callback) is None:
            is_open = not getattr(each.callback, "login_required", True)
            each.callback = _marked(each.callback, Audience.EVERYBODY if is_open else right)
    return found


def _marked(view: View, right: Needed) -> View:
    """*view* with its right; a copy, since one view may answer at several URLs."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    setattr(marked, MARK, right)
    if right in UNSIGNED:
        marked.login_required = False  # type: ignore[attr-defined] # what Django's login_not_required sets
    return marked


@cache
def needed_at(name: str) -> Needed | None:
    """What the URL *name* takes; ``None`` where there is no such URL, or it does not say."""
    return next((needed_by(each.callback) for each in all_patterns(get_resolver()) if each.name == name), None)


def all_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Every URL under *resolver*."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from all_patterns(each)
        else:
            yield each


def needed_by(view: View) -> Needed | None:
    """What *view* takes; ``None`` where its URL does not say."""
    right: Needed | None = getattr(view, MARK, None)
    return right
