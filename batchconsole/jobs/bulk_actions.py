"""Stopping many jobs: the request is a row with an item a job; a worker goes through them in steps of a few seconds.

What is lost, repeated or interrupted changes nothing: the clock hands the row out again, one worker holds it at a time,
and whether this action has stopped a job already is read from the job's own audit trail. The rest can be cancelled: the
worker finishes the job in hand, and the others are left alone.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import lifecycle, scheduling
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import STOPPABLE, WAITING, BatchJob, BulkAction, BulkActionItem, Connection, Event, Verb
from batchconsole.jobs.querysets import BatchJobQuerySet
from batchconsole.jobs.signals import nudge

logger = logging.getLogger(__name__)

MOST_JOBS = 10_000
STEP = 20  # jobs; each may be a call to AWS
# Longer than all attempts of one Stop call and of the look that may follow it; renewed with each job.
LEASE = timedelta(minutes=8)
# So often a job is tried that is being submitted, and so often in a row AWS is asked that does not answer.
MOST_ATTEMPTS = 8
BEING_SUBMITTED = timedelta(seconds=5)

Outcome = BulkActionItem.Outcome
OUTCOMES = {str(Verb.CANCELLED): Outcome.CANCELLED, str(Verb.STOP_REQUESTED): Outcome.STOPPED}


def request_stop(
    *,
    connection: Connection,
    actor: Any,
    jobs: BatchJobQuerySet,
    query: str = "",
    matched_all: bool = False,
    most: int = MOST_JOBS,
) -> BulkAction:
    """Have *jobs* stopped soon, those that still can be; raises :class:`UserError` for none and for too many.

    *query* is the filter they were found by, kept for people to read; *matched_all* says that they are all it finds.
    """
    keys = _keys(jobs, most + 1)
    if not keys:
        raise UserError("There is nothing to stop.", hint="All of these jobs have ended or are being stopped already.")
    if len(keys) > most:
        raise UserError(f"More than {most:,} jobs match.", hint="Narrow the filter, and stop them in parts.")
    with transaction.atomic():
        action = BulkAction.objects.create(
            connection=connection,
            created_by=actor,
            query=query,
            matched_all=matched_all,
            job_count=len(keys),
            skipped=jobs.exclude(status__in=STOPPABLE).bounded_count(),
        )
        BulkActionItem.objects.bulk_create((BulkActionItem(action=action, job_id=key) for key in keys), batch_size=500)
        _record(action, Verb.BULK_STOP_REQUESTED, actor=actor, jobs=len(keys), **({"filter": query} if query else {}))
        nudge("stop_jobs", action.pk)
    return action


def _keys(jobs: BatchJobQuerySet, most: int) -> list[int]:
    """Up to *most* jobs that can be stopped, those that wait first, the last of the queue before its head.

    In another order each job stopped at AWS would make room for one of them, which would have to be stopped there too.
    """
    waiting = jobs.filter(status__in=WAITING).order_by("-pk").values_list("pk", flat=True)
    sent = jobs.filter(status__in=STOPPABLE - WAITING).order_by("pk").values_list("pk", flat=True)
    # A job may be submitted between the two looks; it is one job all the same.
    return list(dict.fromkeys([*waiting[:most], *sent[:most]]))[:most]


def _record(action: BulkAction, verb: str, *, actor: Any = None, **data: Any) -> None:
    Event.objects.create(connection=action.connection, actor=actor, verb=verb, data={"bulk_action": action.pk, **data})


def run(action: BulkAction, *, step: int = STEP) -> None:
    """Take *action* one step on, unless another worker is at it. Never raises AwsError.

    1. Hold the row, and go on holding it before each job. From here a crash leaves it to whoever comes after the lease.
    2. Stop up to *step* jobs and write what became of each, until the rest is cancelled.
    3. Let go: finished when no job is left or the rest was cancelled, else due again, later when AWS is away.
    """
    if action.is_finished or not action.take(until=timezone.now() + LEASE):
        return
    wait = timedelta()
    for item in _waiting(action)[:step]:
        if not action.hold(until=timezone.now() + LEASE):
            break
        try:
            item.decide(_stop(action, item.job))
            action.failures = 0
        except UserError as error:
            _try_again(item, error)
            wait = BEING_SUBMITTED
        except AwsError as error:
            if error.retryable:
                wait = _aws_is_away(action, item, error)
                break
            item.decide(Outcome.FAILED, error.as_dict())
    _end_step(action, wait)


def _waiting(action: BulkAction) -> Any:
    """The jobs nothing is known of yet, those that were tried before last."""
    items = action.items.filter(outcome=Outcome.PENDING).order_by("attempts", "id")
    return items.select_related("job__connection")


def _stop(action: BulkAction, job: BatchJob) -> Outcome:
    lifecycle.stop(job, action.created_by, data={"bulk_action": action.pk})
    # A worker that died may have stopped it without writing so here; the trail, written with the deed, knows.
    mine = job.events.filter(verb__in=OUTCOMES, data__bulk_action=action.pk).values_list("verb", flat=True).first()
    if mine:
        return OUTCOMES[mine]
    return Outcome.ENDED if job.is_ended else Outcome.STOPPING


def _try_again(item: BulkActionItem, error: UserError) -> None:
    said = {"message": error.message, "hint": error.hint, "code": ""}
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
        left = action.items.filter(outcome=Outcome.PENDING)
        left.update(outcome=Outcome.FAILED, error=error.as_dict(), decided_at=timezone.now())
    return scheduling.pause(error, action.failures)


def _end_step(action: BulkAction, wait: timedelta) -> None:
    now = timezone.now()
    with transaction.atomic():
        if action.items.filter(outcome=Outcome.PENDING).exists():
            has_let_go = action.let_go(due_at=now + wait, failures=action.failures)
            if has_let_go and not wait:
                nudge("stop_jobs", action.pk)
        else:
            has_let_go = action.let_go(due_at=None, finished_at=now, failures=action.failures)
            if has_let_go:
                _record(action, Verb.BULK_STOP_FINISHED, **action.counts())
    if not has_let_go:
        _end_cancelled(action)


def cancel_rest(action: BulkAction, actor: Any) -> int:
    """Have the jobs that nothing is known of yet left alone; raises :class:`UserError` for an action that has ended.

    Returns how many have been left alone; 0 while a worker is at one: it finishes that, then leaves the others alone.
    """
    with transaction.atomic():
        if not action.cancel(actor):
            action.refresh_from_db()
            raise UserError(
                "This action has finished already." if action.is_finished else "The rest was cancelled already.",
                hint="Nothing was changed.",
            )
        _record(action, Verb.BULK_STOP_CUT_SHORT, actor=actor)
        nudge("stop_jobs", action.pk)
    if action.take(until=timezone.now() + LEASE):
        _end_cancelled(action)
    return action.counts().get(Outcome.LEFT, 0)


def _end_cancelled(action: BulkAction) -> None:
    """End what was cancelled, if nobody else does."""
    with transaction.atomic():
        if not action.end_cancelled():
            logger.info("Bulk action %s went on elsewhere.", action.pk)
            return
        left = action.items.filter(outcome=Outcome.PENDING)
        # A worker that died may have stopped a job without writing so here; the trail knows.
        mine = Event.objects.filter(job__in=left.values("job"), verb__in=OUTCOMES, data__bulk_action=action.pk)
        now = timezone.now()
        for job, verb in list(mine.values_list("job", "verb")):
            left.filter(job=job).update(outcome=OUTCOMES[verb], error=None, decided_at=now)
        left.update(outcome=Outcome.LEFT, error=None, decided_at=now)
        _record(action, Verb.BULK_STOP_FINISHED, **action.counts())
