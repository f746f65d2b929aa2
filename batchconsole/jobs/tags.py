"""The tags of jobs: changing them, and reading those of jobs created elsewhere, which AWS's list does not include.

AWS returns the tags of one job per call. So tags are read once in the background, a few jobs at a time, newest first;
and again if a person asks for those of one job.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.aws.constraints import MAX_TAGS
from batchconsole.aws.errors import AwsError
from batchconsole.jobs.costs.spending import require_retagging
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_rules import RESERVED_TAGS
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.lifecycle import BEING_SUBMITTED
from batchconsole.jobs.models import Actor, BatchJob, Connection, Verb
from batchconsole.jobs.queue import waiting
from batchconsole.jobs.rights.access import require_on_job

logger = logging.getLogger(__name__)

SUGGESTED_FROM = 200  # this many of the newest jobs
# At most two calls a second: other clients of Bedrock's control plane in this account take precedence.
AT_ONCE, PAUSE = 10, timedelta(seconds=5)
AFTER_FAILURE, AFTER_REFUSAL = timedelta(minutes=2), timedelta(days=1)
GONE = "ResourceNotFoundException"
# The jobs whose tags can change: AWS has them, or has never been sent them.
TAGGABLE = Q(job_arn__isnull=False) | Q(attempts=0)
# Why the tags of a job without an ARN cannot change: it is being submitted (False) or has ended (True).
_NO_NEW_TAGS = {
    False: (BEING_SUBMITTED, "tags", "Change its tags once it is submitted."),
    True: ("AWS did not accept this job, so it has no tags there.", "tags", "Clone it to create one with other tags."),
}

Tags = list[dict[str, str]]


def current_tags(job: BatchJob) -> Tags:
    """Return the tags of *job* without AWS's own, from AWS if the job has an ARN. Raises :class:`AwsError`."""
    if not job.job_arn:
        return list(job.tags)
    found = bedrock.list_tags_for_resource(job.connection.target, job.job_arn)
    return [tag for tag in found if not tag["key"].startswith(RESERVED_TAGS)]


def edit_tags(
    job: BatchJob, actor: Actor, tags: Iterable[dict[str, str]], *, data: dict[str, Any] | None = None
) -> None:
    """Replace the tags of *job*, on AWS too if it has an ARN; *data* goes into its event.

    1. Write the row, in the transaction that judges the change by the budgets of the tags that come and go.
    2. Change the tags on AWS, without a lock; if AWS refuses, put the row back.

    Raises UserError, NotAllowed if a budget forbids the change, and AwsError.
    """
    require_on_job(actor, job)
    wanted = list(tags)
    if len(wanted) > MAX_TAGS:
        raise UserError(f"A job takes at most {MAX_TAGS} tags.", "tags", "Remove some.")
    before = _write_tags(job, actor, wanted, data=data or {})
    if job.job_arn:
        try:
            _tag_on_aws(job, wanted)
        except AwsError as error:
            _put_back(job, before, error)
            raise


def _write_tags(job: BatchJob, actor: Actor, wanted: Tags, *, data: dict[str, Any]) -> BatchJob:
    """Write *wanted* into the row, hold the job if a budget asks for that, and return the row as it was."""
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        job.refresh_from_db()
        # A request that may have reached AWS must not change: with other tags, its token would create a second job.
        if not job.job_arn and job.attempts:
            raise UserError(*_NO_NEW_TAGS[job.is_ended])
        judgement = require_retagging(job, actor, wanted)
        before = BatchJob(pk=job.pk, tags=job.tags, tags_unread=job.tags_unread)
        _set_tags(job, wanted, tags_unread=False, estimate_usd=judgement.usd_at_most)
        job.record(Verb.TAGS_CHANGED, actor=actor, data={"before": before.tags, "after": wanted, **data})
        if judgement.above:
            waiting.ask_approval(job, budget=judgement.above)
    return before


def _put_back(job: BatchJob, before: BatchJob, error: AwsError) -> None:
    """Undo :func:`_write_tags` after AWS's *error*, unless the tags have changed again meanwhile."""
    data = {"before": job.tags, "after": before.tags, "code": error.code, "message": error.message}
    with transaction.atomic():
        if job.locked().tags == job.tags:
            _set_tags(job, before.tags, tags_unread=before.tags_unread)
            job.record(Verb.TAGS_CHANGED, data=data)


def _set_tags(job: BatchJob, tags: Tags, **fields: Any) -> None:
    BatchJob.objects.filter(pk=job.pk).update(tags=tags, modified_at=timezone.now(), **fields)
    for name, value in {"tags": tags, **fields}.items():
        setattr(job, name, value)


def _tag_on_aws(job: BatchJob, wanted: Tags) -> None:
    """Change the tags on AWS, removing first: near the limit, there is no room for new tags until old ones are gone."""
    target, arn = job.connection.target, str(job.job_arn)
    before = {tag["key"]: tag["value"] for tag in current_tags(job)}
    gone = before.keys() - {tag["key"] for tag in wanted}
    new = [tag for tag in wanted if before.get(tag["key"]) != tag["value"]]
    if gone:
        bedrock.untag_resource(target, arn, sorted(gone))
    if new:
        bedrock.tag_resource(target, arn, new)


def tags_in_use(connection: Connection) -> dict[str, list[str]]:
    """Return keys and values of the newest jobs' tags as suggestions, the most frequent first."""
    newest = BatchJob.objects.filter(connection=connection).values_list("tags", flat=True)[:SUGGESTED_FROM]
    counts = {part: Counter(tag.get(part, "") for tags in newest for tag in tags or []) for part in ("key", "value")}
    return {part: [value for value, _ in count.most_common(50) if value] for part, count in counts.items()}


def ask_for_tags(job: BatchJob, actor: Actor) -> None:
    """Read the tags of *job* now. Raises NotAllowed and :class:`AwsError`."""
    require_on_job(actor, job)
    tags = current_tags(job)
    BatchJob.objects.filter(pk=job.pk).update(tags=tags, tags_unread=False, modified_at=timezone.now())


@step(Connection, queue=CONTROL, prefix="tags_", farthest=2 * AFTER_REFUSAL)
def read_tags(connection: Connection, lease: Lease) -> int:
    """Read the tags of a few jobs of *connection* that were created elsewhere; return how many jobs.

    A job whose tags AWS refuses to return comes last the next time. Raises :class:`AwsError` if AWS refuses all of
    them.
    """
    jobs = list(BatchJob.objects.filter(connection=connection).with_unread_tags()[:AT_ONCE])
    refusals = [error for job in jobs if (error := _read_unread(job, lease))]
    if refusals and len(refusals) == len(jobs):
        raise refusals[0]
    with transaction.atomic():
        # A concurrent sync that adds jobs holds this lock: this step sees their untagged rows, or sync makes it due
        # again.
        Connection.objects.lock(connection.pk)
        more = BatchJob.objects.filter(connection=connection, tags_unread=True).exists()
        lease.end(due_at=timezone.now() + PAUSE if more else None, tags_error=None)
    return len(jobs) - len(refusals)


def _read_unread(job: BatchJob, lease: Lease) -> AwsError | None:
    """Read one job's tags. Return AWS's error if it refuses; raise it if a retry may help soon."""
    lease.renew()
    # If a person has changed the tags meanwhile, they are known and must not be overwritten.
    unread = BatchJob.objects.filter(pk=job.pk, tags_unread=True)
    try:
        tags = current_tags(job)
    except AwsError as error:
        if error.code == GONE:
            unread.update(tags_unread=False)
            return None
        unread.update(tags_refused_at=timezone.now())
        if error.retryable:
            raise
        return error
    unread.update(tags=tags, tags_unread=False)
    return None


@read_tags.on_failure
def _wait(connection: Connection, lease: Lease, error: Failure) -> None:
    """Continue later: soon after a temporary failure, the next day if a permission is missing."""
    now = timezone.now()
    pause = AFTER_FAILURE if getattr(error, "retryable", False) else AFTER_REFUSAL
    logger.info("Tags of jobs of %s cannot be read: %s", connection.name, error)
    lease.end(due_at=now + pause, tags_error=error.as_dict() | {"at": now.isoformat()})
