"""Periodic checks for what no job transition reports: budgets that fill up, and jobs that may go wrong."""

import time

from batchconsole.jobs.models import Connection
from batchconsole.jobs.notifications.budget_notices import tell_budgets
from batchconsole.jobs.notifications.warning_notices import tell_warnings

# The checks take a moment, and the job list is read every few seconds.
EVERY_SECONDS = 60
_next_look: dict[int, float] = {}  # by connection id, for each process


def look_out(connection: Connection) -> None:
    """Write notices of budgets and warnings of *connection*, at most once a minute in each process."""
    now = time.monotonic()
    if now >= _next_look.get(connection.pk, 0):
        _next_look[connection.pk] = now + EVERY_SECONDS
        tell_budgets(connection)
        tell_warnings(connection)
