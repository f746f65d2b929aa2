"""The table of notification occasions. A new one needs a line here, and a call of ``Notice.write`` where it occurs.

An occasion that is a job's step into a state names the state; ``BatchJob.transition`` finds it here. Data only.
"""

from dataclasses import dataclass

from batchconsole.jobs.states import Status, Verb


@dataclass(frozen=True)
class Occasion:
    """Something that notifications report.

    Attributes
    ----------
    code
        The identifier for receivers: the ``type`` of a webhook's message. Never changed once it is released.
    label
        The name of the choice for users, and the headline of the message.
    status
        The job state that triggers it when a job enters it.
    verb
        The verb of the event that triggers it, if it is not a step into a state.
    with_errors
        For completed jobs: whether some records have failed.
    is_shared
        Whether only a connection's channels report it, because it does not belong to a job.
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
SCHEDULE_FAILED = Occasion("schedule.run_failed", "Scheduled run failed or was skipped")
SCHEDULE_STOPPED = Occasion("schedule.stopped", "Schedule stopped")
OF_SCHEDULES = frozenset({SCHEDULE_FAILED.code, SCHEDULE_STOPPED.code})
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
    Occasion("job.past_deadline", "Past its deadline, goes on on demand", verb=Verb.DEADLINE_PASSED),
    Occasion("job.deadline_refused", "Past its deadline, can't go on on demand", verb=Verb.DEADLINE_REFUSED),
    SCHEDULE_FAILED,
    SCHEDULE_STOPPED,
    BUDGET,
)
TEST = Occasion("test", "Test of a notification channel")
LABELS: dict[str, str] = {each.code: each.label for each in (*OCCASIONS, TEST)}
CHOICES: list[tuple[str, str]] = list({each.code: each.label for each in OCCASIONS}.items())
OWN_CHOICES = list({each.code: each.label for each in OCCASIONS if not each.is_shared}.items())
# The default for users who have not chosen: everything that needs a person.
USUAL = tuple(code for code, _ in CHOICES if code not in {"job.completed", "job.stopped", "job.held"})
BY_VERB: dict[str, str] = {each.verb: each.code for each in OCCASIONS if each.verb}


def find_occasion(status: str, *, has_errors: bool) -> str:
    """Return the code of the occasion for a job's step into *status*; empty if there is none."""
    for each in OCCASIONS:
        if each.status == status and each.with_errors == has_errors:
            return each.code
    return ""
