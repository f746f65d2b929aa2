"""Follow the jobs of a batch until all of them have ended, and stop them if the batch is cancelled."""

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import CONTROL, Lease, step
from batchconsole.jobs.lifecycle import stop
from batchconsole.jobs.models import BatchJob, OpenAIBatch, Status
from batchconsole.jobs.openai.batches import State
from batchconsole.jobs.signals import nudge

logger = logging.getLogger(__name__)

# A batch is looked at more rarely the older it is: after a hundredth of its age, within these seconds.
SOONEST_SECONDS, LATEST_SECONDS = 1.0, 30.0


def jobs_of(batch: OpenAIBatch) -> list[BatchJob]:
    """Return the jobs of *batch*, in the order in which their models appear in its file."""
    return [part.job for part in batch.parts.select_related("job__connection", "job__created_by")]


def is_settled(job: BatchJob) -> bool:
    """Whether *job* has ended and its output has been read."""
    return job.is_ended and job.results != BatchJob.Results.PENDING


@step(OpenAIBatch, queue=CONTROL, where=Q(state__in=[State.IN_PROGRESS, State.CANCELLING]))
def follow_batch(batch: OpenAIBatch, lease: Lease) -> None:
    """Look at the jobs of *batch*: stop those of one that is cancelled; let its answers be written when all ended."""
    if batch.state == State.CANCELLING:
        _stop_jobs(batch)
    jobs, now = jobs_of(batch), timezone.now()
    if all(map(is_settled, jobs)):
        lease.end(due_at=now, state=State.FINALIZING, finalizing_at=now)
        nudge("write_answers", batch.pk)
        return
    has_begun = batch.in_progress_at is None and all(job.status != Status.CHECKING for job in jobs)
    begun = {"in_progress_at": now} if has_begun else {}
    age = (now - batch.created_at).total_seconds()
    pause = min(LATEST_SECONDS, max(SOONEST_SECONDS, age / 100))
    lease.end(due_at=now + timedelta(seconds=pause), **begun)


def _stop_jobs(batch: OpenAIBatch) -> None:
    """Stop the jobs that have not ended; one that cannot be stopped now is tried again at the next look."""
    for job in jobs_of(batch):
        if job.is_ended or job.status == Status.STOPPING:
            continue
        try:
            stop(job, batch.cancelled_by)
        except (AwsError, UserError) as error:
            logger.warning("Job %s of batch %s is not stopped yet: %s", job.pk, batch.batch_id, error)
