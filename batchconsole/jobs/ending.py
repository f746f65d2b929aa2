"""The one door for an end. Whatever ends a job, ``BatchJob.transition`` comes here, in the transaction of the end.

An end asks for the results where AWS had the job and may have written any, and for a copy of the output where a program
looks for it under an id of ours. It leaves nothing else due, and lets those try again that wait for the model's quota.
It knows no model, so that the models can call it.
"""

from datetime import datetime
from typing import Any, Protocol

from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import ENDED_ON_AWS, OCCUPYING

PENDING = "pending"  # BatchJob.Results.PENDING


class Ending(Protocol):
    """What an end must know of a job."""

    pk: int
    connection_id: int
    base_model_id: str
    results: str
    gateway_id: str

    def ask_for_copy(self) -> None: ...

    @classmethod
    def bring_forward(cls, connection_id: int, base_model_id: str) -> None: ...


def columns_of_end(to: str, *, has_arn: bool, now: datetime) -> dict[str, Any]:
    """What an end writes into the row of a job beside its new status *to*."""
    if to in ENDED_ON_AWS and has_arn:
        return {"results": PENDING, "due_at": now}
    return {"due_at": None}


def follow_end(job: Ending, *, was: str) -> None:
    """Do what follows the end of *job*, which was in state *was*. The connection's row is held."""
    if job.results == PENDING:
        nudge("collect_results", job.pk)
        if job.gateway_id:
            job.ask_for_copy()
    if was in OCCUPYING:
        job.bring_forward(job.connection_id, job.base_model_id)
