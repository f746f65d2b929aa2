"""Looking out for what no step of a job tells: budgets that fill up, and jobs that are about to go wrong."""

import time

from batchconsole.jobs.models import Connection
from batchconsole.jobs.notifications.budget_notices import tell_budgets
from batchconsole.jobs.notifications.warning_notices import tell_warnings

# Looking takes a moment, and the job list is read every few seconds.
EVERY_SECONDS = 60
_next_look: dict[int, float] = {}  # by connection; each process counts for itself


def look_out(connection: Connection) -> None:
    """Tell what is new of *connection*, now and then; whoever follows its jobs calls it."""
    now = time.monotonic()
    if now >= _next_look.get(connection.pk, 0):
        _next_look[connection.pk] = now + EVERY_SECONDS
        tell_budgets(connection)
        tell_warnings(connection)
