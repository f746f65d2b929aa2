"""How long jobs took on AWS: the column that an index has, and durations as people write them."""

from datetime import timedelta
from typing import Any

import re2
from django.db.models import F, Func, IntegerField, Q
from django.utils import timezone

from batchconsole.jobs.states import LIVE

PART = r"\d{1,9} ?(?:seconds?|sec|s|minutes?|min|m|hours?|h|days?|d)"
DURATION = re2.compile(rf"{PART}(?: ?{PART}){{0,3}}")
PARTS = re2.compile(r"(\d+) ?([a-z])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_SECONDS = 10**9  # 31 years: the moment it began stays within the calendar
SUGGESTED = ("10 min", "1 h", "6 h", "1 d")
COMPARED = {  # the lookup of the seconds, and that of the moment of submission
    ">=": ("gte", "lte"),
    ">": ("gt", "lt"),
    "<=": ("lte", "gte"),
    "<": ("lt", "gt"),
}


class Seconds(Func):
    """Whole seconds from the submission to the end, as an integer; null without either.

    It is written without parameters, so that a database recognizes the expression of its index.
    """

    output_field = IntegerField()
    arity = 2

    def __init__(self, *between: Any) -> None:
        super().__init__(*(between or (F("submit_time"), F("end_time"))))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(ROUND((julianday(%(end)s) - julianday(%(start)s)) * 86400) AS INTEGER)"
        return self._written(compiler, template)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._written(compiler, "CAST(ROUND(EXTRACT(EPOCH FROM (%(end)s - %(start)s))) AS BIGINT)")

    def _written(self, compiler: Any, template: str) -> tuple[str, list[Any]]:
        start, end = (compiler.compile(each)[0] for each in self.get_source_expressions())
        return template % {"start": start, "end": end}, []


def read_seconds(text: str) -> tuple[int, int] | None:
    """Return the seconds in *text* (``90 s``, ``1 h 30 min``, ``2 days``) and its smallest unit; ``None`` otherwise."""
    said = text.strip().lower()
    if not DURATION.fullmatch(said):
        return None
    parts = [(int(count), SECONDS[unit]) for count, unit in PARTS.findall(said)]
    seconds = sum(count * unit for count, unit in parts)
    return (seconds, min(unit for _, unit in parts)) if seconds <= LONGEST_SECONDS else None


def conditions(operator: str, value: str) -> tuple[Q, Q] | None:
    """Return the condition on jobs that ended, by :class:`Seconds` as ``seconds``, and that on jobs that run until now.

    ``1 h 12 min`` equals every duration that is shown as that, however many seconds there are besides.
    """
    found = read_seconds(value)
    if found is None:
        return None
    seconds, unit = found
    compared = [(">=", seconds), ("<", seconds + unit)] if operator == "=" else [(operator, seconds)]
    ended, running = Q(end_time__isnull=False), Q(end_time__isnull=True, status__in=LIVE)
    for sign, limit in compared:
        longer, earlier = COMPARED[sign]
        began = timezone.now() - timedelta(seconds=limit)
        ended, running = ended & Q((f"seconds__{longer}", limit)), running & Q((f"submit_time__{earlier}", began))
    return ended, running


def duration(operator: str, value: str) -> Q | None:
    found = conditions(operator, value)
    return found[0] | found[1] if found else None
