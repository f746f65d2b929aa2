"""Placeholders in the name and the locations of a scheduled job: ``{date:%Y-%m-%d}``, ``{time:%H%M}`` and ``{file}``.

A date or time is that of the run, as planned, in the schedule's time zone. Two braces stand for one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

DIRECTIVES = "YymdjHIMSpVGuUWaAbB"  # of strftime: those that mean the same on every system
DEFAULTS = {"date": "%Y-%m-%d", "time": "%H%M"}
FILE = "file"
PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
STRANGE_IN_NAME = re.compile(r"[^a-zA-Z0-9+.\-]+")
MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What the placeholders stand for: the planned time in the schedule's zone, and the file's name without .jsonl."""

    planned_at: datetime
    file: str = ""


def filled(pattern: str, run: Run) -> str:
    """Return *pattern* with its placeholders replaced. Raises ValueError with a sentence for people."""
    return PIECE.sub(lambda found: _piece(found, run), pattern)


def filled_name(pattern: str, run: Run) -> str:
    """Return a job name: as :func:`filled`, with hyphens for what a name may not hold."""
    named = filled(pattern, Run(run.planned_at, STRANGE_IN_NAME.sub("-", run.file)))
    return STRANGE_IN_NAME.sub("-", named)


def problem_of(pattern: str, *, has_file: bool) -> str:
    """Return what is wrong with *pattern*, in a sentence; empty if it is valid."""
    try:
        filled(pattern, Run(MOMENT, "input" if has_file else ""))
    except ValueError as error:
        return str(error)
    return ""


def fixed_part(pattern: str) -> str:
    """Return the part of a location before its first placeholder: ``s3://b/out/`` for ``s3://b/out/{date}/``."""
    first = next((found.start() for found in PIECE.finditer(pattern) if found[1] is not None), len(pattern))
    return pattern[:first].replace("{{", "{").replace("}}", "}")


def _piece(found: re.Match[str], run: Run) -> str:
    if found[0] in ("{{", "}}"):
        return found[0][0]
    if found[1] is None:
        raise ValueError(f"A brace {found[0]} stands alone. Write {found[0] * 2} for the character itself.")
    name, _, form = found[1].partition(":")
    if name == FILE and not form:
        if not run.file:
            raise ValueError("{file} stands for a file of a watched folder. A schedule by time has none.")
        return run.file
    if name not in DEFAULTS:
        known = "{date:%Y-%m-%d}, {time:%H%M} and, in a watched folder, {file}"
        raise ValueError(f"There is no placeholder {found[0]}. The placeholders are {known}.")
    return _moment(run.planned_at, form or DEFAULTS[name])


def _moment(moment: datetime, form: str) -> str:
    unknown = [each for each in re.findall(r"%(.?)", form) if not each or each not in DIRECTIVES]
    if unknown:
        raise ValueError(f"There is no %{unknown[0]} in a date or time. Use %Y, %m, %d, %H and %M, such as %Y-%m-%d.")
    return moment.strftime(form)
