"""Views of the job list that a person has named: a name and a query string each, kept in a cookie beside the person."""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from batchconsole.console.frame.preferences import Preferences

COOKIE = "views"
MAX_NAME = 40
MAX_COOKIE = 3500  # browsers keep 4096 bytes of a cookie, its name and attributes included


@dataclass(frozen=True)
class SavedView:
    """One view; ``query`` begins with a question mark and holds for any connection."""

    name: str
    query: str


def views_of(preferences: Preferences) -> list[SavedView]:
    """The views that a person keeps."""
    return read_views(preferences.of_pages.get(COOKIE, ""))


def read_views(cookie: str) -> list[SavedView]:
    """The views in a cookie; none of one that cannot be read."""
    try:
        rows = json.loads(base64.urlsafe_b64decode(cookie))
        return [SavedView(name=str(row["name"])[:MAX_NAME], query=str(row["query"])) for row in rows]
    except (ValueError, TypeError, KeyError, binascii.Error):
        return []


def write_views(views: Iterable[SavedView]) -> str:
    """The cookie for *views*."""
    return base64.urlsafe_b64encode(json.dumps([asdict(view) for view in views]).encode()).decode()


def with_view(views: Iterable[SavedView], view: SavedView) -> list[SavedView]:
    """*views* and *view*, which takes the place of one of the same name."""
    return [*without(views, view.name), view]


def without(views: Iterable[SavedView], name: str) -> list[SavedView]:
    return [view for view in views if view.name != name]
