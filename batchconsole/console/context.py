"""What the frame around every page needs, for the templates."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from batchconsole.console.navigation import side_navigation
from batchconsole.console.preferences import Preferences
from batchconsole.jobs.models import Connection


def frame(request: HttpRequest) -> dict[str, Any]:
    """The connection in hand, those to switch to, the side navigation, and the preferences."""
    connection = getattr(request, "connection", None)
    return {
        "connection": connection,
        "connections": SimpleLazyObject(lambda: list(Connection.objects.filter(is_enabled=True))),
        "side_navigation": SimpleLazyObject(lambda: side_navigation(request, connection)),
        "preferences": getattr(request, "preferences", Preferences()),
    }
