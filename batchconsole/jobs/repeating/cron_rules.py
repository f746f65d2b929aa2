"""Cron rules with a time zone: the times that a rule names, in words and as moments. Pure: no rows and no clock.

Daylight saving time follows Debian's cron, as cronsim does: a time that the clocks skip runs right after the gap, and a
time that they show twice runs once, the first time. Only rules with ``*`` in the hour or minute run in both hours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

FIELDS = 5
EXAMPLE = "Write five fields, minute, hour, day, month and weekday: 30 2 * * 1-5 is 02:30 from Monday to Friday."


@dataclass(frozen=True)
class CronRule:
    """A valid rule; ``text`` has five fields, ``zone`` is an IANA name."""

    text: str
    zone: str

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after *moment*, in UTC; None if the rule names none within the next 50 years."""
        return next(self._times(moment, is_backward=False), None)

    def between(self, after: datetime, until: datetime, *, most: int) -> list[datetime]:
        """Return the times after *after* up to and including *until*, newest first, at most *most* of them."""
        found = self._times(until + timedelta(seconds=1), is_backward=True)  # the end itself is one of the times
        not_later = dropwhile(lambda each: each > until, found)
        return list(islice(takewhile(lambda each: each > after, not_later), most))

    def _times(self, moment: datetime, *, is_backward: bool) -> Iterator[datetime]:
        start = moment.astimezone(ZoneInfo(self.zone))
        return (each.astimezone(UTC) for each in CronSim(self.text, start, reverse=is_backward))

    def in_words(self) -> str:
        """Return the rule as a sentence without a full stop: ``At 02:30 on Monday through Friday``."""
        return str(CronSim(self.text, datetime(2026, 1, 1, tzinfo=UTC)).explain())


def read_rule(text: str, zone: str) -> CronRule:
    """Return the rule. Raises ValueError with a sentence for people; see also :func:`read_zone`."""
    words = text.split()
    if len(words) != FIELDS:
        raise ValueError(f"A rule has five fields, and this has {len(words)}. {EXAMPLE}")
    rule = CronRule(" ".join(words), read_zone(zone))
    try:
        is_never = rule.next_after(datetime(2026, 1, 1, tzinfo=UTC)) is None
    except CronSimError as error:
        raise ValueError(f"{str(error).replace('Bad', 'Not a valid')}: {text.strip()}. {EXAMPLE}") from error
    if is_never:
        raise ValueError(f"{rule.text} names a day that never comes. {EXAMPLE}")
    return rule


def read_zone(name: str) -> str:
    """Return *name* if it is a time zone. Raises ValueError with a sentence for people."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone {name}. Write it like Europe/Berlin, or UTC.") from error
    return name
