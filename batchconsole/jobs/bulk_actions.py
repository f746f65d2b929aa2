"""Stopping, holding or archiving many jobs: a row with an item a job; a worker goes through them in short steps.

What is lost, repeated or interrupted changes nothing: the clock hands the row out again, one worker holds it at a time,
and whether this action has stopped a job already is read from the job's own audit trail. The rest can be cancelled: the
worker finishes the job in hand, and the others are left alone.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import archiving, lifecycle, scheduling, waiting
from batchconsole.jobs.access import require_any, require_on_job
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.models import (
    ENDED,
    STOPPABLE,
    WAITING,
    Actor,
    BatchJob,
    BulkAction,
    BulkActionItem,
    Connection,
    Event,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.querysets import BatchJobQuerySet
from batchconsole.jobs.queue_places import HELD
from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import IN_QUEUE

MOST_JOBS = 10_000
STEP = 20  # jobs; each may be a call to AWS
# So often a job is tried that is being submitted, and so often in a row AWS is asked that does not answer.
MOST_ATTEMPTS = 8
BEING_SUBMITTED = timedelta(seconds=5)

Outcome = BulkActionItem.Outcome
Kind = BulkAction.Kind
# Where a job stands that was taken out of the queue, or whose stop AWS has heard of.
HEARD = frozenset({Status.CANCELLED, Status.STOPPING, Status.STOPPED})
OUTCOMES = {
    str(Verb.CANCELLED): Outcome.CANCELLED,
    str(Verb.STOP_REQUESTED): Outcome.STOPPED,
    str(Verb.HELD): Outcome.HELD,
    str(Verb.UNHELD): Outcome.RELEASED,
    str(Verb.APPROVED): Outcome.RELEASED,
    str(Verb.ARCHIVED): Outcome.ARCHIVED,
    str(Verb.UNARCHIVED): Outcome.RESTORED,
}
# Which jobs each kind of action can change, and the event that it begins with.
CHANGEABLE: dict[str, Q] = {
    Kind.STOP: Q(status__in=STOPPABLE),
    Kind.HOLD: Q(status__in=IN_QUEUE, held_at__isnull=True),
    Kind.UNHOLD: HELD,
    Kind.ARCHIVE: Q(status__in=ENDED, archived_at__isnull=True),
    Kind.UNARCHIVE: Q(archived_at__isnull=False),
}
REQUESTED = {
    Kind.STOP: Verb.BULK_STOP_REQUESTED,
    Kind.HOLD: Verb.BULK_HOLD_REQUESTED,
    Kind.UNHOLD: Verb.BULK_RELEASE_REQUESTED,
    Kind.ARCHIVE: Verb.BULK_ARCHIVE_REQUESTED,
    Kind.UNARCHIVE: Verb.BULK_UNARCHIVE_REQUESTED,
}
NOTHING_TO_DO = {
    Kind.STOP: ("No jobs to stop.", "All of these jobs have ended or are being stopped already."),
    Kind.HOLD: ("No jobs to hold.", "None of these jobs is in the queue, or all of them are held already."),
    Kind.UNHOLD: ("No jobs to release.", "None of these jobs is held."),
    Kind.ARCHIVE: ("No jobs to archive.", "None of these jobs has ended, or all of them are archived already."),
    Kind.UNARCHIVE: ("No jobs to bring back.", "None of these jobs is archived."),
}


def request_stop(**asked: Any) -> BulkAction:
    """:func:`request_bulk_action` of the kind that stops jobs."""
    return request_bulk_action(Kind.STOP, **asked)


def request_bulk_action(
    kind: str,
    *,
    connection: Connection,
    actor: Actor,
    jobs: BatchJobQuerySet,
    query: str = "",
    matched_all: bool = False,
    request_token: str = "",
    comment: str = "",
    most: int = MOST_JOBS,
) -> BulkAction:
    """Have *jobs* stopped, held or released soon, those that still can be; raises :class:`UserError` for none of them
    and for too many.

    *query* is the filter they were found by, kept for people to read; *matched_all* says that they are all it finds.
    Of each job it is asked when its turn comes whether *actor* may do it; raises NotAllowed for who may act on none.
    """
    require_any(actor, (Right.OPERATE, Right.SUBMIT), connection)
    keys = _some_keys(kind, jobs, most)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)  # its items point to many jobs: see jobs/locks.py
        action = BulkAction.objects.create(
            connection=connection,
            kind=kind,
            comment=comment.strip()[: waiting.MAX_COMMENT],
            created_by=actor,
            query=query,
            matched_all=matched_all,
            request_token=request_token,
            job_count=len(keys),
            skipped=jobs.exclude(CHANGEABLE[kind]).bounded_count(),
        )
        BulkActionItem.objects.bulk_create((BulkActionItem(action=action, job_id=key) for key in keys), batch_size=500)
        _record(action, REQUESTED[Kind(kind)], actor=actor, jobs=len(keys), **({"filter": query} if query else {}))
        nudge("stop_jobs", action.pk)
    return action


def _some_keys(kind: str, jobs: BatchJobQuerySet, most: int) -> list[int]:
    """The jobs that the action changes; raises :class:`UserError` for none and for more than *most*."""
    keys = _keys(jobs.filter(CHANGEABLE[kind]), most + 1)
    if not keys:
        message, hint = NOTHING_TO_DO[Kind(kind)]
        raise UserError(message, hint=hint)
    if len(keys) > most:
        raise UserError(f"More than {most:,} jobs match.", hint="Narrow the filter and change the jobs in parts.")
    return keys


def _keys(jobs: BatchJobQuerySet, most: int) -> list[int]:
    """Up to *most* jobs that can be stopped, those that wait first, the last of the queue before its head.

    In another order each job stopped at AWS would make room for one of them, which would have to be stopped there too.
    """
    waiting = jobs.filter(status__in=WAITING).order_by("-pk").values_list("pk", flat=True)
    others = jobs.exclude(status__in=WAITING).order_by("pk").values_list("pk", flat=True)
    # A job may be submitted between the two looks; it is one job all the same.
    return list(dict.fromkeys([*waiting[:most], *others[:most]]))[:most]


def _record(action: BulkAction, verb: str, *, actor: Actor = None, **data: Any) -> None:
    Event.objects.create(connection=action.connection, actor=actor, verb=verb, data={"bulk_action": action.pk, **data})


# The lease is longer than all attempts of one Stop call and of the look that may follow it; renewed with each job.
@step(BulkAction, queue=CONTROL, where=Q(finished_at=None), hold=timedelta(minutes=8))
def stop_jobs(action: BulkAction, lease: Lease, *, most: int = STEP) -> None:
    """Change up to *most* jobs of *action*, write what became of each, and go on later, until the rest is cancelled."""
    wait = timedelta()
    for item in _waiting(action)[:most]:
        lease.write()
        if _is_cancelled(action):
            break
        try:
            item.decide(_act(action, item.job))
            action.failures = 0
        except NotAllowed as error:
            item.decide(Outcome.FAILED, error.as_dict())
        except UserError as error:
            if action.kind != Kind.STOP:
                item.decide(Outcome.FAILED, error.as_dict())
                continue
            _try_again(item, error)
            wait = BEING_SUBMITTED
        except AwsError as error:
            if error.retryable:
                wait = _aws_is_away(action, item, error)
                break
            item.decide(Outcome.FAILED, error.as_dict())
    _end_step(action, lease, wait)


@stop_jobs.on_failure
def _give_up(action: BulkAction, lease: Lease, error: Failure) -> None:
    """Its workers were lost again and again; whatever does that will do it once more."""
    lease.write()
    _fail_rest(action, error)
    _end_step(action, lease, timedelta())


def _is_cancelled(action: BulkAction) -> bool:
    action.refresh_from_db(fields=["cancelled_at"])
    return action.cancelled_at is not None


def _waiting(action: BulkAction) -> Any:
    """The jobs nothing is known of yet, those that were tried before last."""
    items = action.items.filter(outcome=Outcome.PENDING).order_by("attempts", "id")
    return items.select_related("job__connection")


def _act(action: BulkAction, job: BatchJob) -> Outcome:
    data = {"bulk_action": action.pk}
    if action.kind == Kind.STOP:
        lifecycle.stop(job, action.created_by, data=data)
    else:
        job.refresh_from_db()
    if action.kind == Kind.HOLD and job.waits_here:
        waiting.hold(job, action.created_by, data=data)
    if action.kind == Kind.UNHOLD and job.is_held:
        waiting.unhold(job, action.created_by, comment=action.comment, data=data)
    if action.kind == Kind.ARCHIVE and job.is_ended:
        archiving.archive(job, action.created_by, data=data)
    if action.kind == Kind.UNARCHIVE:
        archiving.unarchive(job, action.created_by, data=data)
    # A worker that died may have done it without writing so here; the trail knows.
    mine = job.events.filter(verb__in=OUTCOMES, data__bulk_action=action.pk).values_list("verb", flat=True).first()
    return _outcome(action, job, OUTCOMES.get(mine or ""))


def _outcome(action: BulkAction, job: BatchJob, mine: Outcome | None) -> Outcome:
    """What became of *job*, of which the trail says that this action has done *mine*."""
    if action.kind != Kind.STOP:
        return mine or Outcome.UNCHANGED
    if mine and job.status in HEARD:
        return mine
    return Outcome.ENDED if job.is_ended else Outcome.STOPPING


def _try_again(item: BulkActionItem, error: UserError) -> None:
    said = error.as_dict()
    item.attempts += 1
    if item.attempts >= MOST_ATTEMPTS:
        item.decide(Outcome.FAILED, said)
    item.error = said
    item.save(update_fields=["attempts", "error"])


def _aws_is_away(action: BulkAction, item: BulkActionItem, error: AwsError) -> timedelta:
    """Give AWS time, longer each time in a row; in the end say of every job that is left that it could not be asked."""
    action.failures += 1
    item.attempts += 1
    item.error = error.as_dict()
    item.save(update_fields=["attempts", "error"])
    if action.failures >= MOST_ATTEMPTS:
        _fail_rest(action, error)
    return scheduling.pause(error, action.failures)


def _fail_rest(action: BulkAction, error: Failure) -> None:
    left = action.items.filter(outcome=Outcome.PENDING)
    left.update(outcome=Outcome.FAILED, error=error.as_dict(), decided_at=timezone.now())


def _end_step(action: BulkAction, lease: Lease, wait: timedelta) -> None:
    """Finish when no job is left or the rest was cancelled; else be due again, later when AWS is away."""
    now = timezone.now()
    with transaction.atomic():
        lease.check()
        if _is_cancelled(action):
            _skip_rest(action)
        if action.items.filter(outcome=Outcome.PENDING).exists():
            lease.end(due_at=now + wait, failures=action.failures)
            if not wait:
                nudge("stop_jobs", action.pk)
        else:
            lease.end(due_at=None, finished_at=now, failures=action.failures)
            _record(action, Verb.BULK_STOP_FINISHED, actor=None, **action.counts())


def cancel_rest(action: BulkAction, actor: Actor) -> int:
    """Have the jobs that nothing is known of yet left alone; raises :class:`UserError` for an action that has ended.

    Returns how many have been left alone; 0 while a worker is at one: it finishes that, then leaves the others alone.
    """
    require_on_job(actor, action)
    with transaction.atomic():
        if not action.cancel(actor):
            raise UserError(
                "This action has finished already."
                if action.is_finished
                else "The remaining jobs were already cancelled.",
                hint="Nothing was changed.",
            )
        _record(action, Verb.BULK_STOP_CUT_SHORT, actor=actor)
        nudge("stop_jobs", action.pk)
    stop_jobs(action)
    return action.counts().get(Outcome.LEFT, 0)


def _skip_rest(action: BulkAction) -> None:
    left = action.items.filter(outcome=Outcome.PENDING)
    # A worker that died may have stopped a job without writing so here. The trail knows who asked, the job whether AWS
    # heard it.
    mine = Event.objects.filter(job__in=left.values("job"), verb__in=OUTCOMES, data__bulk_action=action.pk)
    if action.kind == Kind.STOP:
        mine = mine.filter(job__status__in=HEARD)
    now = timezone.now()
    for job, verb in list(mine.values_list("job", "verb")):
        left.filter(job=job).update(outcome=OUTCOMES[verb], error=None, decided_at=now)
    left.update(outcome=Outcome.LEFT, error=None, decided_at=now)
