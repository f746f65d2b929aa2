"""The tags of jobs, and reading those of jobs created elsewhere, which AWS's list of jobs does not include.

AWS returns the tags of one job per call. So tags are read once in the background, a few jobs at a time, newest first;
and again if a person asks for those of one job.
"""

import logging
from collections import Counter
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.access import require_on_job
from batchconsole.jobs.leases import CONTROL, Failure, Lease, step
from batchconsole.jobs.lifecycle import current_tags
from batchconsole.jobs.models import Actor, BatchJob, Connection

logger = logging.getLogger(__name__)

SUGGESTED_FROM = 200  # this many of the newest jobs
# At most two calls a second: other clients of Bedrock's control plane in this account take precedence.
AT_ONCE, PAUSE = 10, timedelta(seconds=5)
AFTER_FAILURE, AFTER_REFUSAL = timedelta(minutes=2), timedelta(days=1)
GONE = "ResourceNotFoundException"


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
