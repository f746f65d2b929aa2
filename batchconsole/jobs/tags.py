"""The tags that jobs have, and reading those of jobs created elsewhere, which no list of jobs tells.

AWS tells the tags of one job a call. So they are read in the background, a few at a time, newest first, once; and again
when a person asks for one job's.
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

SUGGESTED_FROM = 200  # jobs
# Two calls a second at most: whatever else asks Bedrock's control plane in this account comes first.
AT_ONCE, PAUSE = 10, timedelta(seconds=5)
AFTER_FAILURE, AFTER_REFUSAL = timedelta(minutes=2), timedelta(days=1)
GONE = "ResourceNotFoundException"


def tags_in_use(connection: Connection) -> dict[str, list[str]]:
    """Keys and values of the newest jobs' tags, the frequent ones first, to be suggested."""
    newest = BatchJob.objects.filter(connection=connection).values_list("tags", flat=True)[:SUGGESTED_FROM]
    counts = {part: Counter(tag.get(part, "") for tags in newest for tag in tags or []) for part in ("key", "value")}
    return {part: [value for value, _ in count.most_common(50) if value] for part, count in counts.items()}


def ask_for_tags(job: BatchJob, actor: Actor) -> None:
    """Read the tags of *job* now; raises :class:`UserError` and :class:`AwsError`."""
    require_on_job(actor, job)
    tags = current_tags(job)
    BatchJob.objects.filter(pk=job.pk).update(tags=tags, tags_unread=False, modified_at=timezone.now())


@step(Connection, queue=CONTROL, prefix="tags_", farthest=2 * AFTER_REFUSAL)
def read_tags(connection: Connection, lease: Lease) -> int:
    """Read the tags of a few jobs of *connection* that were created elsewhere; returns of how many.

    A job of which AWS refuses to tell comes last the next time. Raises :class:`AwsError` when it tells of none.
    """
    jobs = list(BatchJob.objects.filter(connection=connection).with_unread_tags()[:AT_ONCE])
    refusals = [error for job in jobs if (error := _read_unread(job, lease))]
    if refusals and len(refusals) == len(jobs):
        raise refusals[0]
    with transaction.atomic():
        # A sync that adds jobs at this moment holds the row: their tags are seen here, or it sets the time again.
        Connection.objects.lock(connection.pk)
        more = BatchJob.objects.filter(connection=connection, tags_unread=True).exists()
        lease.end(due_at=timezone.now() + PAUSE if more else None, tags_error=None)
    return len(jobs) - len(refusals)


def _read_unread(job: BatchJob, lease: Lease) -> AwsError | None:
    """Read one job's tags; what AWS says when it refuses. What may work soon is raised."""
    lease.renew()
    # A person may have changed them meanwhile, and then they are known.
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
    """Go on later: soon after what passes, the next day where the permission is missing."""
    now = timezone.now()
    pause = AFTER_FAILURE if getattr(error, "retryable", False) else AFTER_REFUSAL
    logger.info("Tags of jobs of %s cannot be read: %s", connection.name, error)
    lease.end(due_at=now + pause, tags_error=error.as_dict() | {"at": now.isoformat()})
