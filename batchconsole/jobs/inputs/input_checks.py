"""Input checks: read every record before AWS sees it, on request of the form or of a job, and act on the outcome.

A check is a row of its own, so it survives the loss of its worker. A result is reused for a day for the same objects,
model and limits: a second check gets the report of the first without reading a record.
"""

import dataclasses
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.costs.prices import MICRO_USD, MOST_USD, price_for
from batchconsole.jobs.costs.spending import require_budget
from batchconsole.jobs.errors import IllegalTransition, NotAllowed, UserError
from batchconsole.jobs.leases import SCAN, WORKER_LOST, Failure, Lease, step
from batchconsole.jobs.models import (
    QUEUED,
    UNFINISHED,
    Actor,
    BatchJob,
    Connection,
    Event,
    InputCheck,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.queue.waiting import ask_approval
from batchconsole.jobs.rights.access import require, require_on_job
from batchconsole.jobs.s3.input_objects import InputObjects, list_input, location, read_head
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.signals import nudge
from batchconsole.records import preflight
from batchconsole.records import report as reports
from batchconsole.records.preview import preview
from batchconsole.records.report import Finding, Report

logger = logging.getLogger(__name__)

REUSE_FOR = timedelta(days=1)
PRUNE_AT_ONCE = 500
HEAD_BYTES = 256 * 1024
# A person at the form waits a few minutes at most; a job goes on trying.
MOST_FAILURES = 5
# Back-off in seconds, first and longest, if AWS refuses: a person has to change something first.
REFUSED = (30, 600)
# The input does not exist, is not valid, or crashes every worker that reads it; retrying does not help.
GONE = frozenset({WORKER_LOST, "NoSuchBucket", "NoSuchKey", "NotFound", "InvalidBucketName", "InvalidRequest"})
# The objects are no longer those that were listed; listing them again helps.
CHANGED = frozenset({"PreconditionFailed", "NoSuchKey", "InvalidRange"})


def start_check(
    connection: Connection, *, input_s3_uri: str, model_id: str, model_invocation_type: str, actor: Actor = None
) -> InputCheck:
    """Request a check of an input. Raises NotAllowed, and :class:`UserError` if *input_s3_uri* is no S3 location.

    An unfinished check with the same parameters is returned instead of a new one; if it waits, it is due at once.
    """
    require(actor, Right.SUBMIT, connection)
    require_input(connection, input_s3_uri)
    location(input_s3_uri)
    asked = {"input_s3_uri": input_s3_uri, "model_id": model_id, "model_invocation_type": model_invocation_type}
    with transaction.atomic():
        check = InputCheck.objects.unfinished().filter(connection=connection, **asked).first()
        if check is None:
            check = InputCheck.objects.create(connection=connection, created_by=actor, **asked)
        elif check.state == InputCheck.State.QUEUED:
            InputCheck.objects.filter(pk=check.pk, state=InputCheck.State.QUEUED).update(due_at=timezone.now())
        nudge("check_records", check.pk)
    return check


# Longer than the longest silence of S3: three attempts of a minute. If a check is taken from a worker that was only
# slow, it is read twice and written once.
@step(InputCheck, queue=SCAN, where=Q(state__in=UNFINISHED), hold=timedelta(minutes=4), waits=QUEUED)
def check_records(check: InputCheck, lease: Lease) -> None:
    """Run *check*.

    1. List the objects. If the same objects were checked within a day, take over that report.
    2. Read every record, reporting progress.
    3. Store the report, and nudge the jobs that wait for it.
    """
    lease.write(state=InputCheck.State.RUNNING, bytes_done=0)
    objects = list_input(check.connection.target, check.input_s3_uri)
    fingerprint = _fingerprint(check, objects)
    earlier = _earlier(check, fingerprint)
    if earlier:
        _finish(check, lease, fingerprint=fingerprint, **{name: getattr(earlier, name) for name in SHARED})
        return
    total = sum(file.size for file in preflight.inputs_of(objects.files))
    lease.write(fingerprint=fingerprint, bytes_total=total, preview_json=_preview(check, objects))
    report = preflight.check(
        objects.files,
        model_id=check.model_id,
        invocation_type=check.model_invocation_type,
        limits=limits_for(check.connection, check.model_id),
        input_s3_uri=check.input_s3_uri,
        objects=objects.sizes,
        price=price_for(check.model_id, check.connection.region),
        progress=partial(_report_progress, lease),
    )
    figures = {"bytes_done": total, "records": report.records, "problems": report.errors + report.warnings}
    cost = report.cost.usd_at_most if report.cost else None
    usd = None if cost is None else min(cost.quantize(MICRO_USD), MOST_USD)
    _finish(check, lease, report_json=reports.encode(report).decode(), usd_at_most=usd, **figures)


def _fingerprint(check: InputCheck, objects: InputObjects) -> str:
    limits = limits_for(check.connection, check.model_id)
    return objects.fingerprint(check.model_id, check.model_invocation_type, *dataclasses.astuple(limits))


SHARED = ("bytes_total", "bytes_done", "records", "problems", "usd_at_most", "report_json", "preview_json")


def _report_progress(lease: Lease, progress: preflight.CheckProgress) -> None:
    lease.renew(bytes_done=progress.bytes, records=progress.records, problems=progress.problems)


def _earlier(check: InputCheck, fingerprint: str) -> InputCheck | None:
    since = timezone.now() - REUSE_FOR
    done = InputCheck.objects.filter(connection_id=check.connection_id, fingerprint=fingerprint, finished_at__gte=since)
    return done.filter(state=InputCheck.State.DONE).order_by("-finished_at").first()


def _preview(check: InputCheck, objects: InputObjects) -> str:
    first = next((file for file in preflight.inputs_of(objects.files) if file.size), None)
    head = read_head(first, HEAD_BYTES) if first else b""
    is_whole = first is None or first.size <= HEAD_BYTES
    shown = preview(head, whole=is_whole, model_id=check.model_id, invocation_type=check.model_invocation_type)
    return msgspec.json.encode(shown).decode()


def _finish(check: InputCheck, lease: Lease, **fields: Any) -> None:
    _end(check, lease, state=InputCheck.State.DONE, error=None, **fields)
    prune()


def _end(check: InputCheck, lease: Lease, **fields: Any) -> None:
    with transaction.atomic():
        lease.end(due_at=None, finished_at=timezone.now(), **fields)
        for pk in _waiting(check).values_list("pk", flat=True):
            nudge("check_input", pk)


def _waiting(check: InputCheck) -> Any:
    """The jobs that wait for *check*."""
    return BatchJob.objects.filter(input_check=check, status=Status.CHECKING)


@check_records.on_failure
def _not_checked(check: InputCheck, lease: Lease, error: Failure) -> None:
    """Handle an input that could not be read: retry later if that can help, or fail.

    A person may renew credentials or add a permission, so a check that a job waits for is retried. At the form, the
    person who waits can start another check.
    """
    jobs = _waiting(check)
    has_jobs = jobs.exists()
    fields: dict[str, Any] = {"error": error.as_dict(), "failures": check.failures + 1}
    may_go_on = has_jobs or fields["failures"] < MOST_FAILURES
    if isinstance(error, AwsError) and _may_help(error, has_jobs) and may_go_on:
        due_at = timezone.now() + _pause(error, fields["failures"])
        lease.end(due_at=due_at, state=InputCheck.State.QUEUED, **fields)
        said = {"message": error.message, "error_code": error.code, "hint": error.hint}
        jobs.update(**said, modified_at=timezone.now())
    else:
        _end(check, lease, state=InputCheck.State.FAILED, **fields)


def _may_help(error: AwsError, has_jobs: bool) -> bool:
    if error.operation == "GetObject" and error.code in CHANGED:
        return True
    return error.retryable or (has_jobs and error.code not in GONE)


def _pause(error: AwsError, failures: int) -> timedelta:
    if error.operation == "GetObject" and error.code in CHANGED:
        return timedelta(0)
    if error.retryable:
        return scheduling.pause(error, failures)
    first, longest = REFUSED
    return timedelta(seconds=min(longest, first * 2 ** min(failures - 1, 10)))


@step(BatchJob, queue=SCAN, where=Q(status=Status.CHECKING))
def check_input(job: BatchJob, lease: Lease) -> None:
    """Take the next step in checking *job*: request a check, wait for it, or act on its outcome."""
    check = job.input_check or _ask_for(job)
    if check is not None and check.is_finished:
        try:
            _decide(job, check)
        except IllegalTransition:  # A person cancelled or released the job at the same moment.
            logger.info("Job %s went on without its input check.", job.pk)


def _ask_for(job: BatchJob) -> InputCheck | None:
    """Create a new check for the job: a check started before the job was created may have read older objects."""
    with transaction.atomic():
        row = BatchJob.objects.select_for_update(no_key=True).get(pk=job.pk)
        if row.status != Status.CHECKING or row.input_check_id:
            return None
        check = InputCheck.objects.create(
            connection_id=job.connection_id,
            created_by=job.created_by,
            input_s3_uri=job.input_s3_uri,
            model_id=job.model_id,
            model_invocation_type=job.model_invocation_type,
        )
        BatchJob.objects.filter(pk=job.pk).update(input_check=check)
        nudge("check_records", check.pk)
    return check


def _decide(job: BatchJob, check: InputCheck) -> None:
    report = check.report
    if report is None:
        said = check.error or {}
        data = {"input_check": check.pk, "code": said.get("code", ""), "message": said.get("message", "")}
        _reject(job, data, message=data["message"], error_code=data["code"], hint=said.get("hint", ""))
    elif report.ok:
        _queue(job, check, report)
    else:
        _reject(job, _figures(check, report), message=_reason(report), error_code="", hint=_first_problem(report))


def _queue(job: BatchJob, check: InputCheck, report: Report) -> None:
    """Queue *job*, unless a budget refuses or holds it now that its cost is known."""
    figures = _figures(check, report)
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)
        try:
            judgement = require_budget(job.connection, job.created_by, job.request, checked=job)
        except NotAllowed as error:
            data = {**figures, "message": error.message}
            _reject(job, data, message=error.message, error_code="", hint=error.hint)
            return
        job.transition(Status.QUEUED, verb=Verb.CHECKED, data=figures, due_at=timezone.now(), **NOTHING)
        # Who approved the job while it was checked is not asked again.
        if judgement.above and not job.events.filter(verb=Verb.APPROVED, at__gte=check.created_at).exists():
            ask_approval(job, budget=judgement.above)
        nudge("submit", job.pk)


NOTHING: dict[str, Any] = {"message": "", "error_code": "", "hint": ""}


def _reject(job: BatchJob, data: dict[str, Any], **said: Any) -> None:
    job.transition(Status.REJECTED, verb=Verb.REJECTED, data=data, **said)


def _figures(check: InputCheck, report: Report) -> dict[str, Any]:
    return {
        "input_check": check.pk,
        "records": report.records,
        "errors": report.errors,
        "warnings": report.warnings,
    }


def _reason(report: Report) -> str:
    return f"{_count(report.errors, 'error')} in {_count(report.records, 'record')}."


def _first_problem(report: Report) -> str:
    """Return the first problem, with its line if known: ``First: line 5 is not valid JSON.``."""
    problem = report.problems[0]
    line = problem.examples[0].line if problem.examples else None
    if not line:
        return f"First: {problem.message}"
    for subject, named in (("The line ", f"line {line} "), ("The record ", f"the record on line {line} ")):
        if problem.message.startswith(subject):
            return f"First: {named}{problem.message.removeprefix(subject)}"
    return f"First, on line {line}: {problem.message}"


def verdict(report: Report) -> str:
    """Return the outcome in one line: ``12 errors and 3 warnings in 500 records``."""
    kinds = ((report.errors, "error"), (report.warnings, "warning"))
    found = " and ".join(_count(number, noun) for number, noun in kinds if number) or "No problems"
    return f"{found} in {_count(report.records, 'record')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cancel_check(check: InputCheck, actor: Actor) -> None:
    """Cancel *check*; a worker that runs it stops within seconds.

    Raises
    ------
    UserError
        The check has ended, or a job waits for it. NotAllowed if the actor may not act on it.
    """
    require_on_job(actor, check)
    with transaction.atomic():
        if _waiting(check).exists():
            raise UserError(
                "A job waits for this check.", hint="Stop the job, or send it to the queue without a check."
            )
        if not check.cancel():
            raise UserError("The check has ended already.")
        data = {"input_check": check.pk, "input_s3_uri": check.input_s3_uri}
        Event.objects.create(connection=check.connection, actor=actor, verb=Verb.INPUT_CHECK_CANCELLED, data=data)


def leave_check(job: BatchJob) -> None:
    """Cancel the check that *job* no longer waits for, unless another job waits for it."""
    check = job.input_check
    if check is not None and not _waiting(check).exists():
        check.cancel()


def find_all(check: InputCheck) -> Iterator[Finding]:
    """Return every problem of a finished check, reading the input from S3 again; there may be millions.

    Raises
    ------
    UserError
        The input or the limits have changed since the check.
    AwsError
        At once if the objects cannot be listed, or during iteration.
    """
    objects = list_input(check.connection.target, check.input_s3_uri)
    if _fingerprint(check, objects) != check.fingerprint:
        raise UserError("The input or the limits have changed since this check.", hint="Check the input again.")
    return preflight.find_all(
        objects.files,
        model_id=check.model_id,
        invocation_type=check.model_invocation_type,
        limits=limits_for(check.connection, check.model_id),
        input_s3_uri=check.input_s3_uri,
        objects=objects.sizes,
    )


def prune() -> int:
    """Delete a batch of old checks that no job refers to, and return how many rows; CHECK_DAYS of 0 keeps all."""
    if not settings.CHECK_DAYS:
        return 0
    old = InputCheck.objects.filter(finished_at__lt=timezone.now() - timedelta(days=settings.CHECK_DAYS), jobs=None)
    pks = list(old.order_by().values_list("pk", flat=True)[:PRUNE_AT_ONCE])
    return InputCheck.objects.filter(pk__in=pks, jobs=None).delete()[0]
