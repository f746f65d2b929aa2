"""Body size limits of views. A view has to declare that it accepts large bodies; elsewhere they are refused unread."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.urls import Resolver404, resolve

MARK = "largest_body"
View = TypeVar("View", bound=Callable[..., Any])


def takes_files(*, max_bytes: int) -> Callable[[View], View]:
    """Decorate a view that accepts files or other large bodies, up to *max_bytes* per request."""

    def mark(view: View) -> View:
        setattr(view, MARK, max_bytes)
        return view

    return mark


def largest_body(view: Callable[..., Any]) -> int:
    """Return the limit in bytes that *view* declares for large bodies, or zero if it declares none."""
    return int(getattr(view, MARK, 0))


def limit_of(path: str) -> int:
    """Return the limit of the view at *path*, or zero if no URL matches."""
    try:
        return largest_body(resolve(path).func)
    except Resolver404:
        return 0
