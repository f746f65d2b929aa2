"""Saying that there is something to do. Sent once the transaction is committed; nobody has to listen.

Without a listener, or with its broker away, nothing is lost: the next tick finds the row.
"""

from django.db import transaction
from django.dispatch import Signal

# Arguments: task, the name of a step in jobs/clock.py; pk, the primary key of the row it is taken for.
nudged = Signal()


def nudge(task: str, pk: int) -> None:
    """Have *task* run on the row *pk* soon after the transaction around this call is committed."""
    transaction.on_commit(lambda: nudged.send(sender=None, task=task, pk=pk))
