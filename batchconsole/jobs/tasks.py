"""The domain's steps as Celery tasks: the only file that knows Celery. Tasks take keys, never rows, and decide nothing.

A lost task is no loss: each is handed out again by the tick while its row is due. So a task that waited longer than the
tick does expires, and an error is logged, not retried here.
"""

import logging

from celery import shared_task
from django.db import DEFAULT_DB_ALIAS
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from batchconsole.aws.errors import AwsError
from batchconsole.jobs import (
    bulk_actions,
    input_checks,
    lifecycle,
    making,
    quotas,
    results,
    scheduling,
    search,
    signals,
)
from batchconsole.jobs import sync as syncing
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, BulkAction, Connection, InputCheck, MadeInput

logger = logging.getLogger(__name__)


def tick() -> None:
    """Hand out what is due."""
    scheduling.tick()


def submit(pk: int) -> None:
    """Send one queued job to AWS."""
    lifecycle.submit(BatchJob.objects.select_related("connection").get(pk=pk))


def sync(pk: int) -> None:
    """Follow the jobs of one connection."""
    syncing.sync(Connection.objects.get(pk=pk))


def refresh_limits(pk: int) -> None:
    """What one connection needs once a day: its quotas read, and SQLite told how its jobs lie."""
    quotas.refresh_limits(Connection.objects.get(pk=pk))
    search.update_statistics(using=DEFAULT_DB_ALIAS)


def check_input(pk: int) -> None:
    """Take the input check of one job a step on."""
    input_checks.check_job(BatchJob.objects.select_related("connection", "input_check").get(pk=pk))


def check_records(pk: int) -> None:
    """Do one input check; a check that was pruned meanwhile is nobody's any more."""
    check = InputCheck.objects.select_related("connection").filter(pk=pk).first()
    if check:
        input_checks.run(check)


def collect_results(pk: int) -> None:
    """Read the output of an ended job."""
    results.collect_results(BatchJob.objects.select_related("connection").get(pk=pk))


def make_input(pk: int) -> None:
    """Make one file of input; one that was pruned meanwhile is nobody's any more."""
    made = MadeInput.objects.select_related("connection").filter(pk=pk).first()
    if made:
        making.run(made)


def stop(pk: int) -> None:
    """Stop a job nobody waits for any more."""
    try:
        lifecycle.stop_cancelled(BatchJob.objects.select_related("connection").get(pk=pk))
    except (AwsError, UserError) as error:
        logger.warning("Job %s could not be stopped: %s", pk, error)


def stop_jobs(pk: int) -> None:
    """Take one bulk action a step on."""
    bulk_actions.run(BulkAction.objects.select_related("connection", "created_by").get(pk=pk))


TASKS = {
    step.__name__: shared_task(step)
    for step in (
        tick,
        submit,
        sync,
        stop,
        check_input,
        check_records,
        collect_results,
        make_input,
        refresh_limits,
        stop_jobs,
    )
}


@receiver(signals.nudged, dispatch_uid="jobs.tasks")
def send(sender: object, task: str, pk: int, **_: object) -> None:
    """Hand *task* to a worker; with the broker away the next tick does."""
    try:
        TASKS[task].apply_async((pk,), expires=scheduling.NUDGE.total_seconds())
    except OperationalError as error:
        logger.warning("The broker is away, so %s(%s) waits for the next tick: %s", task, pk, error)
