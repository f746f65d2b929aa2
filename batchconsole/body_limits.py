"""Which views take more than a form: each says so itself, and everywhere else a larger body is refused unread."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.urls import Resolver404, resolve

MARK = "largest_body"
View = TypeVar("View", bound=Callable[..., Any])


def takes_files(*, max_bytes: int) -> Callable[[View], View]:
    """Have a view take files, or other bodies than a form's, of up to *max_bytes* in a request."""

    def mark(view: View) -> View:
        setattr(view, MARK, max_bytes)
        return view

    return mark


def largest_body(view: Callable[..., Any]) -> int:
    """The bytes of a body that *view* takes beyond what any form may have; zero when it takes no more."""
    return int(getattr(view, MARK, 0))


def limit_of(path: str) -> int:
    """The same of the view that answers at *path*."""
    try:
        return largest_body(resolve(path).func)
    except Resolver404:
        return 0
