"""Taking over what a batch job leaves unanswered: stop it, then have its rest written as an input."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from batchconsole.jobs import lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import LIVE, BatchJob, Connection, MadeInput, OnDemandRun, Status, Verb
from batchconsole.jobs.on_demand.costs import quote_of_rest
from batchconsole.jobs.outputs import resending

PAUSE = timedelta(seconds=5)
NOTHING_LEFT = "The batch job has answered every record, so nothing is left to send."


def take_rest(job: BatchJob, run: OnDemandRun, lease: Lease) -> bool:
    """Give *job* the rest of the batch job as its input; return False while that is not there, or if there is none.

    Raises NotAllowed, :class:`UserError` and AwsError.
    """
    source = job.resend_of
    if source is None:
        raise UserError("The batch job that this one takes over is gone.", hint="Create the job from its input.")
    if source.status in LIVE - {Status.STOPPING}:
        quote_of_rest(source)  # it may hold other records by now: what can't be sent is not stopped
        lifecycle.stop(source, job.created_by, data={"on_demand": job.pk})
    if not source.is_ended:
        return _wait(job, lease, f"Waits until {source.job_name} has stopped.")
    if source.results == BatchJob.Results.PENDING:
        return _wait(job, lease, f"Waits until the results of {source.job_name} are read.")
    if _is_unknown(source):
        message = f"The results of {source.job_name} are not read, so what it left is unknown."
        raise UserError(message, hint="Choose “Read again” on its page, then resend its records.")
    if source.results == BatchJob.Results.NONE:
        return True  # it has answered nothing, so the whole input is left
    if not source.can_resend:
        job.transition(Status.CANCELLED, verb=Verb.CANCELLED, message=NOTHING_LEFT)
        return False
    return _take_made(job, run.made_input or _order_rest(job, source, run), lease)


def _is_unknown(source: BatchJob) -> bool:
    """Whether *source* may have answers that were not read, or are not kept any more."""
    if source.results == BatchJob.Results.NONE:
        return bool(source.results_error) or source.events.filter(verb=Verb.RESULTS_EXPIRED).exists()
    return bool(source.results == BatchJob.Results.FAILED)


def _wait(job: BatchJob, lease: Lease, message: str) -> bool:
    lease.end(due_at=timezone.now() + PAUSE, message=message)
    return False


def _order_rest(job: BatchJob, source: BatchJob, run: OnDemandRun) -> MadeInput:
    """Have a worker write the records that *source* has not answered; once, because the row is kept with it."""
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        made = resending.start_resend(source, job.created_by, failed=True, unanswered=True)
        OnDemandRun.objects.filter(pk=run.pk).update(made_input=made)
    return made


def _take_made(job: BatchJob, made: MadeInput, lease: Lease) -> bool:
    if not made.is_finished:
        return _wait(job, lease, "Waits until the rest of the records is written.")
    if made.state != MadeInput.State.DONE:
        said = made.error or {}
        message = said.get("message") or "The rest of the records could not be written."
        raise UserError(message, hint=said.get("hint", ""))
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        lease.write(input_s3_uri=made.output_s3_uri)
        job.merges.set(lifecycle.merged_in(job))
    return True
