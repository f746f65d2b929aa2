"""Times and durations as text, in the preferred time zone."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def absolute(value: datetime) -> str:
    """``April 12, 2026, 02:00 (UTC)``, in the preferred time zone."""
    local = timezone.localtime(value)
    return f"{local:%B} {local.day}, {local:%Y, %H:%M} ({offset_name(local)})"


def iso(value: datetime) -> str:
    """The time to the second in the preferred time zone, with its UTC offset."""
    return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")


def machine_time(value: datetime) -> str:
    """The time to the second in UTC, for scripts; kept short because a page has many."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def offset_name(local: datetime) -> str:
    """The UTC offset of an aware time: ``UTC``, ``UTC+2``, ``UTC+5:30``."""
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}{f':{rest:02}' if rest else ''}"


def ago(value: datetime, now: datetime | None = None) -> str:
    """``Now``, ``5 minutes ago`` or ``in 2 hours``, in the largest unit that fits."""
    distance = (now or timezone.now()) - value
    for unit, name in UNITS:
        if abs(distance) >= unit:
            count = abs(distance) // unit
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"{words} ago" if distance > timedelta() else f"in {words}"
    return "Now"


def duration(value: timedelta) -> str:
    """``45 s``, ``12 min``, ``1 h 12 min``, ``2 d 3 h``."""
    seconds = int(value.total_seconds())
    for size, name, under, under_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "")):
        if seconds >= size:
            rest = seconds % size // under
            return f"{seconds // size} {name}" + (f" {rest} {under_name}" if rest and under_name else "")
    return f"{seconds} s"
