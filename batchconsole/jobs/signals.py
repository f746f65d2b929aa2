"""Nudges: signals that there is a step to take, sent once the transaction is committed.

Without a listener, or if its broker is unavailable, nothing is lost: the next tick finds the row.
"""

from django.db import transaction
from django.dispatch import Signal

# Arguments: task, the name of a step in jobs/clock.py; pk, the primary key of its row.
nudged = Signal()


def nudge(task: str, pk: int) -> None:
    """Ask for *task* to run on the row *pk* soon after the surrounding transaction is committed."""
    transaction.on_commit(lambda: nudged.send(sender=None, task=task, pk=pk))
