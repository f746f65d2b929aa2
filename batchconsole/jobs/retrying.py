"""Retry what has failed, or what waits for its next attempt. Verbs for operators and administrators."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from batchconsole.jobs.errors import IllegalTransition, UserError
from batchconsole.jobs.inputs.input_checks import start_check
from batchconsole.jobs.lifecycle import bring_back
from batchconsole.jobs.models import (
    QUEUED,
    Actor,
    BatchJob,
    Connection,
    Event,
    InputCheck,
    MadeInput,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.outputs.results import request_results
from batchconsole.jobs.rights.access import require, require_on_job
from batchconsole.jobs.signals import nudge


def check_again(job: BatchJob, actor: Actor) -> None:
    """Check the current input of a rejected *job* again. Raises NotAllowed and :class:`UserError`."""
    require_on_job(actor, job)
    said: dict[str, Any] = {"message": "", "error_code": "", "hint": ""}
    try:
        with transaction.atomic():
            Connection.objects.lock(job.connection_id)
            job.refresh_from_db()
            if job.status != Status.REJECTED:
                raise IllegalTransition("Only a rejected job is checked again.")
            bring_back(
                job,
                Status.CHECKING,
                verb=Verb.CHECK_REQUESTED,
                actor=actor,
                due_at=timezone.now(),
                input_check=None,
                check_input=True,
                **said,
            )
            nudge("check_input", job.pk)
    except IllegalTransition as error:
        raise UserError(
            f"The job is {job.status}, so its input is not checked again.", hint="Only a rejected job's input is."
        ) from error


def hurry_job(job: BatchJob, actor: Actor) -> None:
    """Make the pending step of *job* due now. Raises NotAllowed, and :class:`UserError` if no step waits."""
    require_on_job(actor, job)
    now = timezone.now()
    if not BatchJob.objects.filter(pk=job.pk, due_at__isnull=False, lease="").update(due_at=now):
        raise UserError("The job waits for no step.", hint="It has ended, or AWS has it, or a worker is at it.")


def sync_now(connection: Connection, actor: Actor) -> None:
    """Make the sync of *connection* with AWS due at the next tick. Raises NotAllowed."""
    require(actor, Right.OPERATE, connection)
    with transaction.atomic():
        Event.objects.create(connection=connection, actor=actor, verb=Verb.SYNC_REQUESTED)
        Connection.objects.sync_soon(connection.pk)
        nudge("sync", connection.pk)


def retry_check(check: InputCheck, actor: Actor) -> InputCheck:
    """Run *check* again: at once if it waits, as a new check if it has ended. Raises NotAllowed and UserError."""
    require_on_job(actor, check)
    asked = {"input_s3_uri": check.input_s3_uri, "model_id": check.model_id}
    return start_check(check.connection, **asked, model_invocation_type=check.model_invocation_type, actor=actor)


def retry_making(made: MadeInput, actor: Actor) -> None:
    """Make *made* again, now. Raises NotAllowed, and :class:`UserError` unless it waits or has failed."""
    require_on_job(actor, made)
    now, state = timezone.now(), MadeInput.State
    rows = MadeInput.objects.filter(pk=made.pk, lease="", state__in=(state.QUEUED, state.FAILED))
    with transaction.atomic():
        if not rows.update(**QUEUED, due_at=now, failures=0, error=None, finished_at=None):
            raise UserError("It is done, was cancelled or is being made now.", hint="Make the input anew.")
        data = {"source": made.source_name, "output_s3_uri": made.output_s3_uri}
        Event.objects.create(connection=made.connection, actor=actor, verb=Verb.INPUT_MAKING_RETRIED, data=data)
        nudge("make_input", made.pk)


def retry_results(job: BatchJob, actor: Actor) -> None:
    """Read the results of *job* now, whether they wait to be read or failed. Raises NotAllowed and UserError."""
    if job.results == BatchJob.Results.PENDING:
        hurry_job(job, actor)
    else:
        request_results(job, actor)
