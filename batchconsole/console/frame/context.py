"""The template context of the frame around every page."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from batchconsole.console.frame.middleware import LAST_CONNECTION
from batchconsole.console.frame.navigation import side_navigation, switch
from batchconsole.console.frame.preferences import PREFIX, Preferences
from batchconsole.console.kit.answers import wants_part
from batchconsole.jobs.models import Connection
from batchconsole.jobs.rights.access import connections_with

SHOWN = ("name", "title", "region", "is_enabled")  # what the frame shows of the connections to switch to


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the current connection, those to switch to, the side navigation, and the preferences."""
    connection = getattr(request, "connection", None)
    connections = SimpleLazyObject(lambda: list(viewable(request)))
    return {
        "connection": connection,
        "connections": connections,
        "connection_switch": SimpleLazyObject(lambda: switch(request, connections)),
        "side_navigation": SimpleLazyObject(
            lambda: side_navigation(request, connection or last_connection(request, connections))
        ),
        "is_part": wants_part(request),
        "preferences": getattr(request, "preferences", Preferences()),
        "cookie_prefix": PREFIX,
    }


def viewable(request: HttpRequest) -> Iterable[Connection]:
    """Return the connections that the user may see, or none if nobody is signed in."""
    user = getattr(request, "user", None)
    return connections_with(user).only(*SHOWN) if user and user.is_authenticated else ()


def last_connection(request: HttpRequest, connections: Any) -> Connection | None:
    """Return the one of *connections* that was visited last in this session, else the first, else None."""
    name = request.session.get(LAST_CONNECTION) if hasattr(request, "session") else None
    return next((each for each in connections if each.name == name), next(iter(connections), None))
