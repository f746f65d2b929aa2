"""Preferences: theme, density, time zone and page size of a user; and which panels are open in this browser.

Pages add preferences of their own, as strings whose format only they know.

Pages read the preferences from cookies, so that signing out keeps the look. Preferences are also stored for the user,
and signing in replaces the browser's cookies with those of the user.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Self
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from batchconsole.jobs.models import KeptPreferences

THEMES = {"system": "Use the system's setting", "light": "Light", "dark": "Dark"}
DENSITIES = {"comfortable": "Comfortable", "compact": "Compact"}
TIME_ZONES = {"utc": "UTC", "local": "The time zone of this browser"}
PANEL = {"open": "Open", "closed": "Closed"}
PAGE_SIZES = (10, 20, 50, 100)
PREFIX = settings.PREFERENCE_COOKIE_PREFIX
OF_PAGES = ("columns", "table", "widths", "views")  # preferences of single pages
KEPT = ("theme", "time-zone", "page-size", "density", *OF_PAGES)  # stored for the user, not only in the browser
RESTORED = "preferences"  # in the session: the cookies have been replaced with the user's
ONE_YEAR = 365 * 24 * 60 * 60  # seconds


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """The preferences of one browser; invalid values of cookies are replaced with defaults."""

    theme: str = "system"
    density: str = "comfortable"
    time_zone: str = "utc"
    zone: tzinfo = UTC
    navigation: str = "open"
    help: str = "closed"
    page_size: int = 20
    of_pages: Mapping[str, str] = field(default_factory=dict)  # strings by the names of OF_PAGES

    @classmethod
    def read(cls, cookies: Mapping[str, str]) -> Self:
        """Read the cookies; use the default for each that is absent or invalid.

        Scripts write them percent-encoded; values that the server writes need no encoding.
        """
        cookies = {name: unquote(text) for name, text in cookies.items() if name.startswith(PREFIX)}

        def choice(name: str, choices: Mapping[str, str], default: str) -> str:
            value = cookies.get(PREFIX + name, "")
            return value if value in choices else default

        time_zone = choice("time-zone", TIME_ZONES, cls.time_zone)
        return cls(
            theme=choice("theme", THEMES, cls.theme),
            density=choice("density", DENSITIES, cls.density),
            time_zone=time_zone,
            zone=zone_named(cookies.get(PREFIX + "browser-zone", "")) if time_zone == "local" else UTC,
            navigation=choice("navigation", PANEL, cls.navigation),
            help=choice("help", PANEL, cls.help),
            page_size=page_size(cookies.get(PREFIX + "page-size", "")) or cls.page_size,
            of_pages={name: text for name in OF_PAGES if (text := cookies.get(PREFIX + name, ""))},
        )


def zone_named(name: str) -> tzinfo:
    """Return the time zone with the IANA *name*, or UTC if there is none."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def page_size(text: str) -> int | None:
    """Return the page size that *text* names, or None if it is not one of ``PAGE_SIZES``."""
    return next((size for size in PAGE_SIZES if str(size) == text), None)


def current(request: HttpRequest) -> Preferences:
    """Return the user's stored preferences, which take precedence over this browser's cookies."""
    kept = KeptPreferences.objects.filter(user=request.user.pk).first() if request.user.is_authenticated else None
    values = {PREFIX + name: kept.values[name] for name in KEPT if name in kept.values} if kept else {}
    return Preferences.read(request.COOKIES | values)


def remember(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    """Store one preference for the user and, for a year, in a cookie. Scripts may read it, as it holds no secret."""
    if request.user.is_authenticated and name in KEPT:
        KeptPreferences.keep(request.user, name, value)
    set_cookie(request, response, name, value)


def restore(request: HttpRequest, response: HttpResponse) -> None:
    """Replace the browser's cookies with the stored preferences of the user who has just signed in, if any."""
    request.session[RESTORED] = True
    kept = KeptPreferences.objects.filter(user=request.user.pk).first()
    for name in KEPT if kept else ():
        if kept and name in kept.values:
            set_cookie(request, response, name, kept.values[name])
        else:
            response.delete_cookie(PREFIX + name, samesite="Lax")


def set_cookie(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(PREFIX + name, value, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure())
