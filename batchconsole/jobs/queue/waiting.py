"""The verbs on a waiting job: hold it, release it, change its priority, or move it to the front of its queue.

Each takes the job's row, checks the right, and records what it did. A job that has left the queue is not changed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, BatchJob, Right, Status, Verb
from batchconsole.jobs.rights.access import may_act_on, require, require_on_job, rights_on
from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import IN_QUEUE

# The range that users choose from. A job moved to the front goes above it, and above all others in its queue.
LOWEST, HIGHEST = -100, 100
FRONT = 32_767  # the largest value that the column holds
MAX_COMMENT = 500
FARTHEST_START = timedelta(days=366)


def needs_approval(job: BatchJob, actor: Actor) -> bool:
    """Whether *job* must be approved by another person: its connection requires it and *actor* lacks ``operate``."""
    if not job.connection.asks_approval or actor is None:
        return False
    return Right.OPERATE not in rights_on(actor, job.connection)


def ask_approval(job: BatchJob, **why: str) -> None:
    """Hold *job* until a person approves it, unless it is held so already or has left the queue.

    The caller holds the connection's lock. *why* goes into the event, by kind of reason; an empty one does not.
    """
    held = {"held_at": timezone.now(), "held_by": None, "awaits_approval": True}
    free = BatchJob.objects.filter(pk=job.pk, status__in=IN_QUEUE, awaits_approval=False)
    if free.update(**held, modified_at=timezone.now()):
        for name, value in held.items():
            setattr(job, name, value)
        job.record(Verb.APPROVAL_ASKED, data={kind: text for kind, text in why.items() if text})


def may_release(job: BatchJob, actor: Actor) -> bool:
    """Whether *actor* may release *job*: with ``operate`` every job, otherwise an own job that the actor held."""
    if actor is None or Right.OPERATE in rights_on(actor, job.connection):
        return True
    return not job.awaits_approval and job.held_by_id == actor.pk and may_act_on(actor, job)


def start_problem(start_at: datetime) -> str:
    """Return what is wrong with a start time, in a sentence; empty if it is valid."""
    now = timezone.now()
    if start_at <= now:
        return "This time has passed. Enter a later one, or none to submit the job as soon as possible."
    if start_at > now + FARTHEST_START:
        return f"Enter a time within the next {FARTHEST_START.days} days."
    return ""


def hold(job: BatchJob, actor: Actor, *, data: dict[str, Any] | None = None) -> None:
    """Keep *job* from being submitted until a person releases it; a job that is already held stays held.

    *data* goes into its event. Raises NotAllowed and :class:`UserError`.
    """
    require_on_job(actor, job)
    with transaction.atomic():
        row = _row_in_queue(job)
        if not row.is_held:
            _write(job, held_at=timezone.now(), held_by=actor, awaits_approval=False)
            job.record(Verb.HELD, actor=actor, data=data)


def unhold(job: BatchJob, actor: Actor, *, comment: str = "", data: dict[str, Any] | None = None) -> None:
    """Let *job* continue in the queue. A user may release an own job that the user held; the rest needs ``operate``.

    If the job waits for approval, this approves it and needs a *comment*. Raises NotAllowed and :class:`UserError`.
    """
    require_on_job(actor, job)
    comment = trimmed(comment)
    with transaction.atomic():
        row = _row_in_queue(job)
        if not row.is_held:
            return
        if not may_release(row, actor):
            require(actor, Right.OPERATE, row.connection)
        if row.awaits_approval and not comment:
            raise UserError("Approving a job takes a comment.", "comment", "Say why it may run.")
        said = {**(data or {}), **({"comment": comment} if comment else {})}
        _write(job, held_at=None, held_by=None, awaits_approval=False)
        job.record(Verb.APPROVED if row.awaits_approval else Verb.UNHELD, actor=actor, data=said)
        if job.status == Status.QUEUED:
            nudge(job.sending_step, job.pk)


def trimmed(comment: str) -> str:
    """Return *comment* as it is stored: trimmed, cut, and without NUL characters, which PostgreSQL does not store."""
    return comment.replace("\0", "").strip()[:MAX_COMMENT]


def set_priority(job: BatchJob, actor: Actor, priority: int) -> None:
    """Give *job* a priority from LOWEST to HIGHEST; needs ``operate``. Raises NotAllowed and :class:`UserError`."""
    require(actor, Right.OPERATE, job.connection)
    if not LOWEST <= priority <= HIGHEST:
        raise UserError(f"A priority is a whole number from {LOWEST} to {HIGHEST}.", "priority")
    _change_priority(job, actor, lambda row: priority)


def move_to_front(job: BatchJob, actor: Actor) -> None:
    """Put *job* before all others of its model; needs ``operate``. Raises NotAllowed and :class:`UserError`."""
    require(actor, Right.OPERATE, job.connection)
    _change_priority(job, actor, _before_all)


def _before_all(row: BatchJob) -> int:
    others = BatchJob.objects.queued(row.connection_id, row.base_model_id).exclude(pk=row.pk).order_by()
    highest = others.aggregate(highest=Max("priority"))["highest"] or 0
    return min(max(HIGHEST, highest) + 1, FRONT)


def _change_priority(job: BatchJob, actor: Actor, priority_of: Callable[[BatchJob], int]) -> None:
    with transaction.atomic():
        row = _row_in_queue(job)
        priority = priority_of(row)
        if priority != row.priority:
            _write(job, priority=priority)
            job.record(Verb.PRIORITY_CHANGED, actor=actor, data={"before": row.priority, "after": priority})


def _row_in_queue(job: BatchJob) -> BatchJob:
    """Return the row, locked until the transaction ends, so that no worker takes it. Raises :class:`UserError`."""
    row = job.locked()
    job.status = row.status
    if not row.waits_here:
        raise UserError(
            f"The job is {row.get_status_display().lower()}, so it has no place in the queue.",
            hint="Only jobs that have not been submitted yet can be held, released or moved.",
        )
    return row


def _write(job: BatchJob, **fields: Any) -> None:
    BatchJob.objects.filter(pk=job.pk).update(**fields, modified_at=timezone.now())
    for name, value in fields.items():
        setattr(job, name, value)
