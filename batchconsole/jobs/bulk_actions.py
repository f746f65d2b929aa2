"""Change many jobs at once: a row with one item per job, which a worker processes in short steps.

A message may be lost or repeated and a worker interrupted without harm: the clock hands the row out again, one worker
holds it at a time, and the audit trail of each job says whether this action has already changed it. A person can cancel
the rest: the worker finishes the current job and leaves the others unchanged.
"""

from datetime import timedelta
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import archiving, lifecycle
from batchconsole.jobs.cloning import clone_job
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
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
from batchconsole.jobs.queue import scheduling, waiting
from batchconsole.jobs.queue.queue_places import HELD
from batchconsole.jobs.rights.access import require, require_any, require_on_job
from batchconsole.jobs.signals import nudge
from batchconsole.jobs.states import IN_QUEUE
from batchconsole.jobs.tags import TAGGABLE, current_tags, edit_tags

MOST_JOBS = 10_000
STEP = 20  # jobs; each may be a call to AWS
# How often to try a job that is being submitted, and how often in a row to try when AWS does not answer.
MOST_ATTEMPTS = 8
BEING_SUBMITTED = timedelta(seconds=5)

Outcome = BulkActionItem.Outcome
Kind = BulkAction.Kind
# The states of a job that has left the queue or whose stop request has reached AWS.
HEARD = frozenset({Status.CANCELLED, Status.STOPPING, Status.STOPPED})
OUTCOMES = {
    str(Verb.CANCELLED): Outcome.CANCELLED,
    str(Verb.STOP_REQUESTED): Outcome.STOPPED,
    str(Verb.HELD): Outcome.HELD,
    str(Verb.UNHELD): Outcome.RELEASED,
    str(Verb.APPROVED): Outcome.RELEASED,
    str(Verb.ARCHIVED): Outcome.ARCHIVED,
    str(Verb.UNARCHIVED): Outcome.RESTORED,
    str(Verb.TAGS_CHANGED): Outcome.TAGGED,
    str(Verb.CLONED): Outcome.CLONED,
}
# The jobs that each kind of action can change, and (in REQUESTED) the event that records the request.
CHANGEABLE: dict[str, Q] = {
    Kind.STOP: Q(status__in=STOPPABLE),
    Kind.HOLD: Q(status__in=IN_QUEUE, held_at__isnull=True),
    Kind.UNHOLD: HELD,
    Kind.ARCHIVE: Q(status__in=ENDED, archived_at__isnull=True),
    Kind.UNARCHIVE: Q(archived_at__isnull=False),
    Kind.TAG: TAGGABLE,
    Kind.CLONE: Q(pk__gt=0),
}
REQUESTED = {
    Kind.STOP: Verb.BULK_STOP_REQUESTED,
    Kind.HOLD: Verb.BULK_HOLD_REQUESTED,
    Kind.UNHOLD: Verb.BULK_RELEASE_REQUESTED,
    Kind.ARCHIVE: Verb.BULK_ARCHIVE_REQUESTED,
    Kind.UNARCHIVE: Verb.BULK_UNARCHIVE_REQUESTED,
    Kind.TAG: Verb.BULK_TAG_REQUESTED,
    Kind.CLONE: Verb.BULK_CLONE_REQUESTED,
}
NOTHING_TO_DO = {
    Kind.STOP: ("No jobs to stop.", "All of these jobs have ended or are being stopped already."),
    Kind.HOLD: ("No jobs to hold.", "None of these jobs is in the queue, or all of them are held already."),
    Kind.UNHOLD: ("No jobs to release.", "None of these jobs is held."),
    Kind.ARCHIVE: ("No jobs to archive.", "None of these jobs has ended, or all of them are archived already."),
    Kind.UNARCHIVE: ("No jobs to bring back.", "None of these jobs is archived."),
    Kind.TAG: ("No jobs to tag.", "AWS accepted none of these jobs, or they are being submitted."),
    Kind.CLONE: ("No jobs to clone.", "None of these jobs exists any more."),
}


def request_stop(**asked: Any) -> BulkAction:
    """Request a bulk action that stops jobs; see :func:`request_bulk_action`."""
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
    parameters: dict[str, Any] | None = None,
    most: int = MOST_JOBS,
) -> BulkAction:
    """Request a bulk action of *kind* on those of *jobs* that it can change, to be processed soon.

    *parameters* are those of :func:`tag_parameters` for the kind ``tag``. *query* is the filter that found the jobs,
    kept for people to read; *matched_all* says that they are all it finds. Whether *actor* may act on a job is checked
    when its turn comes. Raises NotAllowed if the actor may act on no job, and :class:`UserError` if no job or more than
    *most* jobs can be changed.
    """
    require_any(actor, (Right.OPERATE, Right.SUBMIT), connection)
    if kind == Kind.CLONE:
        require(actor, Right.SUBMIT, connection)
    keys = _some_keys(kind, jobs, most)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)  # its items point to many jobs: see jobs/locks.py
        action = BulkAction.objects.create(
            connection=connection,
            kind=kind,
            comment=waiting.trimmed(comment),
            parameters=parameters or {},
            created_by=actor,
            query=query,
            matched_all=matched_all,
            request_token=request_token,
            job_count=len(keys),
            skipped=jobs.exclude(CHANGEABLE[kind]).bounded_count(),
        )
        BulkActionItem.objects.bulk_create((BulkActionItem(action=action, job_id=key) for key in keys), batch_size=500)
        _record(action, REQUESTED[Kind(kind)], actor=actor, jobs=len(keys), **_said(action))
        nudge("stop_jobs", action.pk)
    return action


def tag_parameters(tags: list[dict[str, str]], *, remove: list[str]) -> dict[str, Any]:
    """Return the parameters of a bulk action that sets *tags* and removes the keys *remove*, keeping other tags.

    Raises :class:`UserError` if there is nothing to do, or a key is to be both set and removed.
    """
    both = sorted({tag["key"] for tag in tags} & set(remove))
    if both:
        raise UserError(f"{', '.join(both)} is both set and removed.", "remove", "Decide for one of the two.")
    if not tags and not remove:
        raise UserError("There are no tags to set or to remove.", "tags", "Enter at least one key.")
    return {"set": tags, "remove": remove}


def _said(action: BulkAction) -> dict[str, Any]:
    """Return what the event of a request says besides the number of jobs."""
    return {name: value for name, value in {"filter": action.query, **action.parameters}.items() if value}


def _some_keys(kind: str, jobs: BatchJobQuerySet, most: int) -> list[int]:
    """Return the ids of the jobs that the action changes. Raises :class:`UserError` for none or more than *most*."""
    keys = _keys(jobs.filter(CHANGEABLE[kind]), most + 1)
    if not keys:
        message, hint = NOTHING_TO_DO[Kind(kind)]
        raise UserError(message, hint=hint)
    if len(keys) > most:
        raise UserError(f"More than {most:,} jobs match.", hint="Narrow the filter and change the jobs in parts.")
    return keys


def _keys(jobs: BatchJobQuerySet, most: int) -> list[int]:
    """Return the ids of up to *most* jobs: first the waiting ones from the end of the queue, then the others.

    In any other order, each job stopped on AWS would make room for a waiting one, which would then need stopping too.
    """
    waiting = jobs.filter(status__in=WAITING).order_by("-pk").values_list("pk", flat=True)
    others = jobs.exclude(status__in=WAITING).order_by("pk").values_list("pk", flat=True)
    # A job that is submitted between the two queries appears in both but counts once.
    return list(dict.fromkeys([*waiting[:most], *others[:most]]))[:most]


def _record(action: BulkAction, verb: str, *, actor: Actor = None, **data: Any) -> None:
    Event.objects.create(connection=action.connection, actor=actor, verb=verb, data={"bulk_action": action.pk, **data})


# The lease outlasts all attempts of one Stop call and of a Get call after it; it is renewed with each job.
@step(BulkAction, queue=CONTROL, where=Q(finished_at=None), hold=timedelta(minutes=8))
def stop_jobs(action: BulkAction, lease: Lease, *, most: int = STEP) -> None:
    """Change up to *most* jobs of *action* and store each outcome; reschedule until none is left or it is cancelled."""
    wait = timedelta()
    for item in _waiting(action)[:most]:
        lease.write()
        if _is_cancelled(action):
            break
        try:
            item.decide(_act(action, item))
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
    """Fail the remaining jobs if workers were lost again and again: the cause would end the next one too."""
    lease.write()
    _fail_rest(action, error)
    _end_step(action, lease, timedelta())


def _is_cancelled(action: BulkAction) -> bool:
    action.refresh_from_db(fields=["cancelled_at"])
    return action.cancelled_at is not None


def _waiting(action: BulkAction) -> Any:
    """The pending items, least-tried first."""
    items = action.items.filter(outcome=Outcome.PENDING).order_by("attempts", "id")
    return items.select_related("job__connection")


def _act(action: BulkAction, item: BulkActionItem) -> Outcome:
    job, data = item.job, {"bulk_action": action.pk}
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
    if action.kind == Kind.TAG:
        _tag(action, job, data)
    if action.kind == Kind.CLONE:
        item.made = clone_job(job, action.created_by, token=_token(item), data=data)
    # A worker that died may have changed the job without storing the outcome; the audit trail knows.
    mine = job.events.filter(verb__in=OUTCOMES, data__bulk_action=action.pk).values_list("verb", flat=True).first()
    return _outcome(action, job, OUTCOMES.get(mine or ""))


def _tag(action: BulkAction, job: BatchJob, data: dict[str, Any]) -> None:
    """Set and remove the tags that the action names, starting from those that the job has now on AWS.

    A worker that died may have written the row only, or AWS may have refused what the row has got back since.
    """
    require_on_job(action.created_by, job)
    before = {tag["key"]: tag["value"] for tag in current_tags(job)}
    after = before | {tag["key"]: tag["value"] for tag in action.parameters["set"]}
    for key in action.parameters["remove"]:
        after.pop(key, None)
    here = {tag["key"]: tag["value"] for tag in job.tags}
    if after != before or after != here:
        tags = [{"key": key, "value": value} for key, value in after.items()]
        edit_tags(job, action.created_by, tags, data=data)


def _token(item: BulkActionItem) -> str:
    """Return the client request token of the clone that *item* makes, always the same one."""
    return blake2b(f"{item.action.seed} {item.pk}".encode(), digest_size=16).hexdigest()


def _outcome(action: BulkAction, job: BatchJob, mine: Outcome | None) -> Outcome:
    """Return the outcome for *job*, given what this action did to it (*mine*) according to the audit trail."""
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
    """Return a pause that grows with each failure in a row; after the last attempt, fail all remaining jobs."""
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
    """Finish if no job is left or the rest was cancelled; otherwise schedule the next step, after *wait*."""
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
    """Cancel the pending jobs of *action*. Raises NotAllowed, and :class:`UserError` if it has ended or was cancelled.

    Returns how many jobs were left unchanged. This is 0 while a worker holds the action: it finishes the current job
    and then leaves the others unchanged.
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
    # A worker that died may have stopped a job without storing the outcome. The trail says whether this action asked,
    # and the job's state whether AWS received it.
    mine = Event.objects.filter(job__in=left.values("job"), verb__in=OUTCOMES, data__bulk_action=action.pk)
    if action.kind == Kind.STOP:
        mine = mine.filter(job__status__in=HEARD)
    if action.kind == Kind.TAG:  # AWS may have refused the change, which was then taken back
        mine = mine.none()
    now = timezone.now()
    for job, verb in list(mine.values_list("job", "verb")):
        left.filter(job=job).update(outcome=OUTCOMES[verb], error=None, decided_at=now)
    left.update(outcome=Outcome.LEFT, error=None, decided_at=now)
