"""From a schedule to one job: fill in the placeholders, find a free name, and create the job in the owner's name."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.constraints import job_constraints
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.creating import Invalid, create_once
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.leases import Failure, Lease
from batchconsole.jobs.models import BatchJob, Connection, Event, Notice, Right, Schedule, Verb
from batchconsole.jobs.occasions import SCHEDULE_FAILED, SCHEDULE_STOPPED
from batchconsole.jobs.repeating.placeholders import Run, filled, filled_name
from batchconsole.jobs.rights.access import is_active_user, require

# Pauses after failures of AWS, in seconds, and after how many in a row people are told.
FIRST_PAUSE, LONGEST_PAUSE = 15, 600
FEW_FAILURES = 3


def unused_name(connection: Connection, name: str) -> str:
    """Return *name*, cut to the longest that AWS takes, or if a job has it, with the first free number appended."""
    longest = job_constraints()["jobName"].max or 0
    wanted = name[:longest].rstrip("-+.") if len(name) > longest else name
    if not BatchJob.objects.filter(connection=connection, job_name=wanted).exists():
        return wanted
    stem = wanted[: longest - 6].rstrip("-+.")
    used = set(
        BatchJob.objects.filter(connection=connection, job_name__startswith=stem).values_list("job_name", flat=True)
    )
    return next(free for number in count(2) if (free := f"{stem}-{number}") not in used)


def request_of_run(connection: Connection, request: JobRequest, run: Run, *, input_s3_uri: str = "") -> JobRequest:
    """Return the request of one run; *input_s3_uri* replaces the input. Raises ValueError for a bad placeholder."""
    return replace(
        request,
        job_name=unused_name(connection, filled_name(request.job_name, run)),
        input_s3_uri=input_s3_uri or filled(request.input_s3_uri, run),
        output_s3_uri=filled(request.output_s3_uri, run),
    )


def create_job_of_run(schedule: Schedule, run: Run, *, input_s3_uri: str = "") -> BatchJob:
    """Create the job of one run with the rights that the owner has now.

    Call it inside the transaction that writes the run, with the connection locked, so that the name stays free. Raises
    NotAllowed, :class:`UserError` and Invalid.
    """
    require_owner(schedule)
    request = request_of_run(schedule.connection, schedule.request, run, input_s3_uri=input_s3_uri)
    job, _ = create_once(schedule.connection, schedule.created_by, request, check_input=schedule.check_input)
    _record(schedule, Verb.SCHEDULED, job=job)
    return job


def require_owner(schedule: Schedule) -> None:
    """Raise NotAllowed unless the owner may still submit jobs; this refusal stops the schedule."""
    owner = schedule.created_by
    if owner is None or not is_active_user(owner):
        who = f"{owner}, in whose name it runs, has been deactivated" if owner else "Its owner has been deleted"
        raise NotAllowed(f"{who}.", "Edit the schedule to take it over.")
    try:
        require(owner, Right.SUBMIT, schedule.connection)
    except NotAllowed as error:
        message = f"{owner}, in whose name it runs, may not submit jobs on {schedule.connection} any more."
        raise NotAllowed(message, "Edit the schedule to take it over, or give the right back and resume it.") from error


def reason_of(error: UserError | Invalid | ValueError) -> str:
    """Return why a job was not created, in sentences."""
    if isinstance(error, Invalid):
        return " ".join(f"{each.field}: {each.message}" for each in error.problems)
    return " ".join(filter(None, [getattr(error, "message", str(error)), getattr(error, "hint", "")]))


def stop_schedule(schedule: Schedule, lease: Lease, reason: str) -> None:
    """Stop *schedule* until a person resumes it, and end the lease; call it inside a transaction."""
    lease.end(due_at=None, is_active=False, stop_reason=reason, next_at=None)
    _record(schedule, Verb.SCHEDULE_STOPPED, reason=reason)
    tell(schedule, SCHEDULE_STOPPED.code)


def _record(schedule: Schedule, verb: Verb, *, job: BatchJob | None = None, **data: str) -> None:
    Event.objects.create(
        connection=schedule.connection,
        job=job,
        verb=verb,
        target=f"schedule {schedule.title}"[:255],
        data={"schedule_id": schedule.pk, **data},
    )


def retry_later(schedule: Schedule, lease: Lease, error: Failure) -> None:
    """Keep the error for the page, and try the step again after a growing pause; nothing that was due is lost."""
    failures = schedule.failures + 1
    seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10))
    with transaction.atomic():
        lease.end(
            due_at=timezone.now() + timedelta(seconds=seconds),
            failures=failures,
            error={"message": error.message, "hint": error.hint},
            listing_token="",
        )
        if failures == FEW_FAILURES:
            tell_failed(schedule)


def tell_failed(schedule: Schedule) -> None:
    """Write a notice that a run failed or was skipped; call it inside the transaction of the run."""
    tell(schedule, SCHEDULE_FAILED.code)


def tell(schedule: Schedule, occasion: str) -> None:
    data = {"schedule": schedule.title, "schedule_id": schedule.pk}
    Notice.write(occasion, connection_id=schedule.connection_id, data=data)
