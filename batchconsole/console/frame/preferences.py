"""How a person wants the pages: theme, density, time zone; and which panels are open in this browser.

Pages keep wishes of their own beside these, as texts that only they can read.

The pages read cookies, so that signing out keeps the look. What is chosen is written down for the person too, and with
a sign-in the browser's cookies become that person's.
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
OF_PAGES = ("columns", "table", "widths", "views")  # wishes of pages
KEPT = ("theme", "time-zone", "page-size", "density", *OF_PAGES)  # for the person, not the browser
RESTORED = "preferences"  # in the session: the cookies are this person's
ONE_YEAR = 365 * 24 * 60 * 60  # seconds


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """One browser's wishes; every value is one of those offered, whatever the cookie said."""

    theme: str = "system"
    density: str = "comfortable"
    time_zone: str = "utc"
    zone: tzinfo = UTC
    navigation: str = "open"
    help: str = "closed"
    page_size: int = 20
    of_pages: Mapping[str, str] = field(default_factory=dict)  # texts by the names of OF_PAGES

    @classmethod
    def read(cls, cookies: Mapping[str, str]) -> Self:
        """Read the cookies, falling back to the default for each that is absent or unknown.

        Scripts write them percent-encoded, as browsers ask for; what the server writes needs no encoding.
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
    """The time zone of an IANA *name*, UTC when there is none of that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def page_size(text: str) -> int | None:
    """The page size that *text* names, ``None`` when it is not one of those offered."""
    return next((size for size in PAGE_SIZES if str(size) == text), None)


def current(request: HttpRequest) -> Preferences:
    """As the person last wished them, in this browser or another, whatever the cookies of this one say."""
    kept = KeptPreferences.objects.filter(user=request.user.pk).first() if request.user.is_authenticated else None
    values = {PREFIX + name: kept.values[name] for name in KEPT if name in kept.values} if kept else {}
    return Preferences.read(request.COOKIES | values)


def remember(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    """Keep one preference, in the browser for a year. Scripts may read it: it holds no secret."""
    if request.user.is_authenticated and name in KEPT:
        KeptPreferences.keep(request.user, name, value)
    set_cookie(request, response, name, value)


def restore(request: HttpRequest, response: HttpResponse) -> None:
    """Make the browser's cookies those of the person who has just signed in, if there is anything kept."""
    request.session[RESTORED] = True
    kept = KeptPreferences.objects.filter(user=request.user.pk).first()
    for name in KEPT if kept else ():
        if kept and name in kept.values:
            set_cookie(request, response, name, kept.values[name])
        else:
            response.delete_cookie(PREFIX + name, samesite="Lax")


def set_cookie(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(PREFIX + name, value, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure())
