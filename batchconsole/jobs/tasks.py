"""The domain's steps as Celery tasks: the only file that knows Celery. Tasks take keys, never rows, and decide nothing.

A lost task is no loss: each is handed out again by the tick while its row is due. So a task that waited longer than the
tick does expires, and an error is logged, not retried here.
"""

import logging
from typing import Any

from celery import Task, shared_task
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from batchconsole.jobs import clock, signals
from batchconsole.jobs.leases import NUDGE, Step

logger = logging.getLogger(__name__)


def tick() -> None:
    """Hand out what is due."""
    clock.tick()


def _task(step: Step[Any, Any]) -> Task:
    def run(pk: int) -> None:
        step.run(pk)

    return shared_task(name=f"{__name__}.{step.name}")(run)


TASKS = {"tick": shared_task(tick)} | {step.name: _task(step) for step in clock.STEPS}
QUEUES = {step.name: step.queue for step in clock.STEPS}


@receiver(signals.nudged, dispatch_uid="jobs.tasks")
def send(sender: object, task: str, pk: int, **_: object) -> None:
    """Hand *task* to a worker; with the broker away the next tick does."""
    try:
        TASKS[task].apply_async((pk,), queue=QUEUES[task], expires=NUDGE.total_seconds())
    except OperationalError as error:
        logger.warning("The broker is away, so %s(%s) waits for the next tick: %s", task, pk, error)
