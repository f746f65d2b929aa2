"""Running a job on demand: the step that sends its records, turn by turn, and ends it with output like a batch job's.

The truth is in the database and S3, so any worker on any host can take the next turn. A worker that is killed loses
only the answers that were on their way: those records are sent, and paid, again.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import lifecycle
from batchconsole.jobs.costs.spending import Judgement, require_budget
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, Connection, OnDemandAnswer, OnDemandRun, Status, Verb
from batchconsole.jobs.on_demand import costs, taking_over
from batchconsole.jobs.on_demand.output import answered_places, write_output
from batchconsole.jobs.on_demand.sending import Sending
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.queue.waiting import ask_approval
from batchconsole.jobs.s3.input_objects import InputObjects, list_input
from batchconsole.jobs.signals import nudge
from batchconsole.jobs.warnings import DEFAULT_TIMEOUT_HOURS
from batchconsole.records.files import InputFile
from batchconsole.records.on_demand import Record, read_records

logger = logging.getLogger(__name__)

# One turn, so that other files and people do not wait for a job of hours.
TURN_SECONDS = 20.0
LONGEST_PAUSE = timedelta(minutes=15)  # whatever AWS says; no due time lies further ahead than leases.FARTHEST
NOTHING: dict[str, Any] = {"message": "", "error_code": "", "hint": ""}
CHANGED = UserError(
    "The input has changed since the job began.",
    "input_s3_uri",
    "Its answers so far are kept. Resend the other records.",
)
RUNNABLE = Q(lane=BatchJob.Lane.ON_DEMAND, status__in=[Status.QUEUED, Status.IN_PROGRESS, Status.STOPPING])


@step(BatchJob, queue=SCAN, where=RUNNABLE & Q(held_at__isnull=True), waits={})
def answer_records(job: BatchJob, lease: Lease) -> None:
    """Take one turn with *job*.

    1. Begin it: count its records, judge their cost by the budgets, and see that nothing forbids it.
    2. Send records that have no output line yet, until all have one, the turn is over, AWS turns it away, or a person
       stops it.
    3. Write the output and end the job, or say when the next turn is due.
    """
    run = OnDemandRun.objects.select_related("job").get(job=job)
    if job.status == Status.QUEUED and not begin(job, run, lease):
        return
    if job.status == Status.STOPPING:
        _end(job, lease, Status.STOPPED)
        return
    sending = Sending(job, lease, seconds=TURN_SECONDS)
    if sending.send(missing_records(job, run)):
        _end(job, lease, Status.COMPLETED)
    elif sending.is_stopped:
        _end(job, lease, Status.STOPPED)
    elif sending.trouble and not sending.trouble.error.retryable:
        _give_up(job, lease, sending.trouble.error)
    elif _is_out_of_time(job):
        _end_out_of_time(job, lease)
    elif sending.trouble:
        retry_after = sending.trouble.retry_after or 0
        _wait(job, lease, sending.trouble.error, retry_after=retry_after, goes_on=bool(sending.answered))
    else:
        lease.end(due_at=timezone.now())
        nudge(job.sending_step, job.pk)


def begin(job: BatchJob, run: OnDemandRun, lease: Lease) -> bool:
    """Let a queued *job* begin, at the cost of what its input holds now; return False if it waits for something.

    Raises AwsError, :class:`UserError`, and NotAllowed if that cost would exceed a budget.
    """
    lifecycle.hold_if_not_allowed(job)
    if job.is_held:
        lease.end(due_at=timezone.now())
        return False
    if run.takes_over and not taking_over.take_rest(job, run, lease):
        return False
    objects = _input_of(job)
    counts = _count(objects.files, run)
    usd_at_most = costs.cost_of(job, objects.files, counts, progress=lambda _: lease.renew())
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        judgement = _judged(job, usd_at_most)
        lease.check()
        if judgement.above and not _is_approved(job, judgement.usd_at_most):
            lease.end(due_at=timezone.now(), estimate_usd=judgement.usd_at_most)
            ask_approval(job, budget=judgement.above)
            return False
        OnDemandRun.objects.filter(pk=run.pk).update(fingerprint=objects.fingerprint())
        _enter_progress(job, records=counts.total(), estimate_usd=judgement.usd_at_most)
    run.refresh_from_db()
    return True


def _judged(job: BatchJob, usd_at_most: Decimal | None) -> Judgement:
    return require_budget(
        job.connection, job.created_by, job.request, checked=job, usd_at_most=usd_at_most, lane=job.lane
    )


def _is_approved(job: BatchJob, usd_at_most: Decimal | None) -> bool:
    """Whether a person has approved *job* at this cost, or at a higher one."""
    if not job.events.filter(verb=Verb.APPROVED).exists():
        return False
    return usd_at_most is None or (job.estimate_usd is not None and usd_at_most <= job.estimate_usd)


def _enter_progress(job: BatchJob, *, records: int, estimate_usd: Decimal | None) -> None:
    now = timezone.now()
    job.transition(
        Status.IN_PROGRESS,
        verb=Verb.ON_DEMAND_BEGUN,
        data={"records": records},
        estimate_usd=estimate_usd,
        submit_time=now,
        last_modified_time=now,
        job_expiration_time=now + timedelta(hours=job.timeout_duration_in_hours or DEFAULT_TIMEOUT_HOURS),
        total_record_count=records,
        processed_record_count=0,
        success_record_count=0,
        error_record_count=0,
        **NOTHING,
    )


def _input_of(job: BatchJob) -> InputObjects:
    """Return the objects that AWS would read at the input location. Raises AwsError and :class:`UserError`."""
    found = list_input(job.connection.target, job.input_s3_uri)
    mine = [item for item in found.objects if item.key.endswith(".jsonl")]
    if not mine:
        raise UserError(f"There is no .jsonl object at {job.input_s3_uri}.", "input_s3_uri", "Choose another input.")
    return InputObjects(found.target, found.input_s3_uri, mine)


def _count(files: list[InputFile], run: OnDemandRun) -> Counter[str]:
    """Return how many records of each file are to be answered. Raises :class:`UserError` if none are, or too many."""
    most = settings.ON_DEMAND_RECORDS
    records = read_records(files, limit=min(run.record_limit or most + 1, most + 1))
    counts = Counter(record.file for record in records)
    if counts.total() > most:
        raise costs.too_many(f"The input has more than {most:,} records.")
    if not counts:
        raise UserError("The input has no record.", "input_s3_uri", "Choose another input.")
    return counts


def missing_records(job: BatchJob, run: OnDemandRun) -> Iterator[Record]:
    """Yield the records without an output line. Raises AwsError, and :class:`UserError` if the input has changed."""
    objects = _input_of(job)
    if objects.fingerprint() != run.fingerprint:
        raise CHANGED
    done = answered_places(job)
    yield from (record for record in read_records(objects.files, limit=run.record_limit) if record.place not in done)


def _is_out_of_time(job: BatchJob) -> bool:
    return job.job_expiration_time is not None and job.job_expiration_time <= timezone.now()


def _end_out_of_time(job: BatchJob, lease: Lease) -> None:
    """End *job* as AWS ends a batch job whose timeout is over."""
    _end(job, lease, Status.PARTIALLY_COMPLETED if job.processed_record_count else Status.EXPIRED)


def _end(job: BatchJob, lease: Lease, status: Status, *, said: Failure | None = None) -> None:
    """Write the output of *job*, then end it and drop the stored lines. Raises LeaseLost and AwsError."""
    tally = write_output(job, lease)
    _finish(job, lease, status, said=said, records=tally.records, errors=tally.errors)


def _finish(job: BatchJob, lease: Lease, status: Status, *, said: Failure | None, **figures: int) -> None:
    words = {"message": said.message, "error_code": said.code, "hint": said.hint} if said else NOTHING
    data = {**figures, **({"code": said.code, "message": said.message} if said else {})}
    now = timezone.now()
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        lease.check()
        job.refresh_from_db()
        OnDemandAnswer.objects.filter(job=job).delete()
        job.transition(status, verb=Verb.ON_DEMAND_ENDED, data=data, end_time=now, last_modified_time=now, **words)


def _wait(job: BatchJob, lease: Lease, error: Failure, *, retry_after: float = 0, goes_on: bool = False) -> None:
    """Make the next turn due after a pause: longer each time that AWS answers nothing, and as long as AWS asks for."""
    run = OnDemandRun.objects.get(job=job)
    pauses = 1 if goes_on else run.pauses + 1
    pause = timedelta(minutes=1)
    if isinstance(error, AwsError):
        pause = max(scheduling.pause(error, pauses), min(timedelta(seconds=retry_after), LONGEST_PAUSE))
    with transaction.atomic():
        lease.check()
        OnDemandRun.objects.filter(pk=run.pk).update(pauses=pauses)
        words = {"message": error.message, "error_code": error.code, "hint": error.hint}
        lease.end(due_at=timezone.now() + pause, modified_at=timezone.now(), **words)


@answer_records.on_failure
def _not_answered(job: BatchJob, lease: Lease, error: Failure) -> None:
    if error.retryable and not _is_out_of_time(job):
        _wait(job, lease, error)
    else:
        _give_up(job, lease, error)


def _give_up(job: BatchJob, lease: Lease, error: Failure) -> None:
    """End *job* as failed, with the answers that it has; until its timeout, go on trying to write those."""
    try:
        _end(job, lease, Status.FAILED, said=error)
    except (AwsError, UserError) as trouble:
        logger.warning("The answers of job %s can't be written: %s", job.pk, trouble)
        if _is_out_of_time(job):
            _finish(job, lease, Status.FAILED, said=error)
        else:
            _wait(job, lease, trouble)
