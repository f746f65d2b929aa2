"""What follows the end of a job, in the same transaction, for ``BatchJob.transition`` and for imported jobs.

If AWS ran the job and may have written results, they are collected; if a client knows the job by an id of the
console, its output is also copied to where that client looks for it. Nothing else stays due, and the jobs that wait
for the model's quota are tried again. This module does not import models, so that models can call it.
"""

from datetime import datetime
from typing import Any, Protocol

from django.db.models import Q

from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import ENDED_ON_AWS, OCCUPYING

PENDING = "pending"  # BatchJob.Results.PENDING
# Jobs whose results wait to be read or could not be read: the condition of the index job_results_unread. SQLite finds
# it in a query with parameters only as comparisons of one value each, not as a list.
UNREAD = ~Q(results="none") & ~Q(results="ready")


class Ending(Protocol):
    """The part of a job that this module uses."""

    pk: int
    connection_id: int
    base_model_id: str
    results: str
    gateway_id: str

    def ask_for_copy(self) -> None: ...

    @classmethod
    def bring_forward(cls, connection_id: int, base_model_id: str) -> None: ...


def columns_of_end(to: str, *, may_have_output: bool, now: datetime) -> dict[str, Any]:
    """Return the columns to write into the row of a job that ends, beside its new status *to*."""
    if to in ENDED_ON_AWS and may_have_output:
        return {"results": PENDING, "due_at": now}
    return {"due_at": None}


def follow_end(job: Ending, *, was: str) -> None:
    """Do what follows the end of *job*, which was in state *was*. The caller holds the lock on the connection."""
    if job.results == PENDING:
        nudge("collect_results", job.pk)
        if job.gateway_id:
            job.ask_for_copy()
    if was in OCCUPYING:
        job.bring_forward(job.connection_id, job.base_model_id)
