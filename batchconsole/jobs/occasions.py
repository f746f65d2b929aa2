"""What people can be told of: one table. A new occasion is a line here, and a call of ``Notice.write`` where it occurs.

An occasion that is a job's step into a state names the state; ``BatchJob.transition`` finds it here. Data only.
"""

from dataclasses import dataclass

from batchconsole.jobs.states import Status, Verb


@dataclass(frozen=True)
class Occasion:
    """Something worth telling.

    Attributes
    ----------
    code
        What receivers go by: the ``type`` of a webhook's message. Never changed once it is released.
    label
        What a person chooses, and the headline of the message.
    status
        The state of a job whose beginning it is.
    verb
        What an event of a job says was done, where it is no step into a state.
    with_errors
        Told of jobs that have completed: whether some records have failed.
    is_shared
        Only a connection's channels are told, since it is no job's.
    """

    code: str
    label: str
    status: Status | None = None
    verb: Verb | None = None
    with_errors: bool = False
    is_shared: bool = False


BUDGET = Occasion("budget.reached", "Budget at 50, 80 or 100 percent", is_shared=True)
MAY_EXPIRE = Occasion("job.may_expire", "May expire before it starts")
STUCK = Occasion("job.stuck", "Makes no progress")
OCCASIONS: tuple[Occasion, ...] = (
    Occasion("job.completed", "Completed", Status.COMPLETED),
    Occasion("job.completed_with_errors", "Completed with errors", Status.COMPLETED, with_errors=True),
    Occasion("job.completed_with_errors", "Completed with errors", Status.PARTIALLY_COMPLETED, with_errors=True),
    Occasion("job.failed", "Failed", Status.FAILED),
    Occasion("job.rejected", "Rejected by the input check", Status.REJECTED),
    Occasion("job.submit_failed", "Submit failed", Status.SUBMIT_FAILED),
    Occasion("job.stopped", "Stopped", Status.STOPPED),
    Occasion("job.expired", "Expired", Status.EXPIRED),
    Occasion("job.held", "Held", verb=Verb.HELD),
    Occasion("job.awaits_approval", "Waiting for approval", verb=Verb.APPROVAL_ASKED),
    MAY_EXPIRE,
    STUCK,
    BUDGET,
)
TEST = Occasion("test", "Test of a notification channel")
LABELS: dict[str, str] = {each.code: each.label for each in (*OCCASIONS, TEST)}
CHOICES: list[tuple[str, str]] = list({each.code: each.label for each in OCCASIONS}.items())
OWN_CHOICES = list({each.code: each.label for each in OCCASIONS if not each.is_shared}.items())
# What somebody who has not chosen wants to know of: whatever needs a person.
USUAL = tuple(code for code, _ in CHOICES if code not in {"job.completed", "job.stopped", "job.held"})
BY_VERB: dict[str, str] = {each.verb: each.code for each in OCCASIONS if each.verb}


def find_occasion(status: str, *, has_errors: bool) -> str:
    """The code of what a job's step into *status* is; empty where that is nothing to tell."""
    for each in OCCASIONS:
        if each.status == status and each.with_errors == has_errors:
            return each.code
    return ""
