"""URLs of a user's own channels and of a connection's channels; both use the same views."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver

from batchconsole.console.notifications import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Audience, Needed, page


def addresses(start: str, *, prefix: str, right: Needed) -> Iterator[URLPattern]:
    """Yield the URL patterns below *start*, with *prefix* before their names."""
    for route, view, name in (
        ("", views.index, "notifications"),
        ("create/", views.create, "notification-create"),
        ("deliveries/", views.deliveries, "notification-deliveries"),
        ("deliveries/<int:pk>/again/", views.again, "notification-again"),
        ("<int:pk>/", views.channel, "notification-channel"),
        ("<int:pk>/edit/", views.edit, "notification-edit"),
        ("<int:pk>/test/", views.send_test, "notification-test"),
        ("<int:pk>/pause/", views.pause, "notification-pause"),
        ("<int:pk>/resume/", views.resume, "notification-resume"),
        ("<int:pk>/rotate/", views.rotate, "notification-rotate"),
        ("<int:pk>/remove/", views.remove, "notification-remove"),
    ):
        yield page(f"{start}notifications/{route}", view, name=f"{prefix}{name}", right=right)


urlpatterns: list[URLPattern | URLResolver] = [
    *addresses("account/", prefix="", right=Audience.SIGNED_IN),
    *addresses("<slug:connection>/", prefix="connection-", right=Right.ADMINISTER),
]
