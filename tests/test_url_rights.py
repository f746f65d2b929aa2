"""Each URL declares which right it needs."""

from collections.abc import Iterator

from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path

from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, Audience, declare, needed_by


def patterns(resolver: URLResolver, route: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        here = f"{route}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from patterns(each, here)
        else:
            yield here, each


URLS = dict(patterns(get_resolver()))


def test_each_url_names_its_right() -> None:
    unsaid = [route for route, pattern in URLS.items() if needed_by(pattern.callback) is None]
    assert not unsaid, "Declare them with batchconsole.url_rights.page."


def test_a_right_is_asked_on_the_connection_of_the_url() -> None:
    for route, pattern in URLS.items():
        needed = needed_by(pattern.callback)
        assert not isinstance(needed, Right | Act) or "<slug:connection>/" in route
        assert needed != Act.ON_JOB or "/jobs/<int:pk>/" in route


def test_what_somebody_else_declared_open_stays_open() -> None:
    def opened() -> HttpResponse: ...  # type: ignore[empty-body] # it is never called
    def closed() -> HttpResponse: ...  # type: ignore[empty-body] # the same

    opened.login_required = False  # type: ignore[attr-defined] # as Django's login_not_required does
    declared = declare([path("a", opened), path("b", closed)], Audience.STAFF)
    assert [needed_by(each.callback) for each in declared if isinstance(each, URLPattern)] == [
        Audience.EVERYBODY,
        Audience.STAFF,
    ]
