"""Named views of the job list: a name and a query string each, stored in the user's cookies."""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from batchconsole.console.frame.preferences import Preferences

COOKIE = "views"
MAX_NAME = 40
MAX_COOKIE = 3500  # browsers limit a cookie to 4096 bytes, including its name and attributes


@dataclass(frozen=True)
class SavedView:
    """One view; ``query`` has no question mark and works for any connection."""

    name: str
    query: str


def views_of(preferences: Preferences) -> list[SavedView]:
    """Return the views stored in the user's preferences."""
    return read_views(preferences.of_pages.get(COOKIE, ""))


def read_views(cookie: str) -> list[SavedView]:
    """Read the views from a cookie; return none if it is invalid."""
    try:
        rows = json.loads(base64.urlsafe_b64decode(cookie))
        return [SavedView(name=str(row["name"])[:MAX_NAME], query=str(row["query"])) for row in rows]
    except (ValueError, TypeError, KeyError, binascii.Error):
        return []


def write_views(views: Iterable[SavedView]) -> str:
    """Return the cookie for *views*."""
    return base64.urlsafe_b64encode(json.dumps([asdict(view) for view in views]).encode()).decode()


def with_view(views: Iterable[SavedView], view: SavedView) -> list[SavedView]:
    """Return *views* with *view* added last, replacing any view of the same name."""
    return [*without(views, view.name), view]


def without(views: Iterable[SavedView], name: str) -> list[SavedView]:
    return [view for view in views if view.name != name]
