"""The domain's steps as Celery tasks: the domain's only use of Celery. Tasks take keys, never rows, and decide nothing.

Losing a task is harmless: the tick hands a step out again while its row is due. So a task expires once it has waited
longer than that, and an error is logged instead of retried here.
"""

import contextvars
import logging
import os
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from celery import Task, shared_task
from celery.signals import task_postrun, worker_process_init
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from batchconsole import log_context
from batchconsole.counts import COUNTS
from batchconsole.jobs import budgets, clock, signals
from batchconsole.jobs.leases import NUDGE, Step

logger = logging.getLogger(__name__)


def tick() -> None:
    """Hand out the steps that are due."""
    clock.tick()


def _task(step: Step[Any, Any]) -> Task:
    def run(self: Task, pk: int) -> None:
        with log_context.logged_with(request_id=request_id_of(self)):
            step.run(pk)

    return shared_task(name=f"{__name__}.{step.name}", bind=True)(run)


def request_id_of(task: Task) -> str:
    """Return the id of the request that asked for the running *task*; empty if the clock did."""
    headers = task.request.headers or {}
    return str(headers.get(log_context.REQUEST_ID) or task.request.get(log_context.REQUEST_ID) or "")


@task_postrun.connect  # type: ignore[untyped-decorator] # celery has no types
def write_counts(**_: object) -> None:
    """Tell what the task has counted, before the worker waits for the next one."""
    COUNTS.write(at_once=True)


@worker_process_init.connect  # type: ignore[untyped-decorator] # celery has no types
def limit_memory(**_: object) -> None:
    """Limit memory, so that a file like a zip bomb ends its step, not the machine; for the prefork pool's children."""
    budgets.limit_memory()


TASKS = {"tick": shared_task(tick)} | {step.name: _task(step) for step in clock.STEPS}
QUEUES = {step.name: step.queue for step in clock.STEPS}


class Outbox:
    """Messages on their way to the broker, sent by a separate thread so that a hanging broker blocks no one.

    A message that does not fit, or has waited too long, is dropped: the tick finds the row.
    """

    def __init__(self, send: Callable[[str, int], None], room: int = 1_000) -> None:
        self._send = send
        self._waiting: SimpleQueue[tuple[str, int, float, contextvars.Context]] = SimpleQueue()
        self._room = room
        self._lock = Lock()
        self._thread: Thread | None = None

    def put(self, task: str, pk: int) -> None:
        """Queue *task* to be sent for the row *pk*, and return at once."""
        if self._waiting.qsize() < self._room:
            self._waiting.put((task, pk, time.monotonic(), contextvars.copy_context()))
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._send_all, name="nudges", daemon=True)
                self._thread.start()

    def _send_all(self) -> None:
        while True:
            task, pk, since, context = self._waiting.get()
            if time.monotonic() - since < NUDGE.total_seconds():
                context.run(self._send, task, pk)


def send(task: str, pk: int) -> None:
    """Send *task* to a worker with the id of the request; if the broker is unavailable, the next tick sends it."""
    headers = {name: value for name, value in log_context.current().items() if name == log_context.REQUEST_ID}
    try:
        TASKS[task].apply_async((pk,), queue=QUEUES[task], expires=NUDGE.total_seconds(), headers=headers)
    except (OperationalError, OSError) as error:
        logger.warning("The broker is away, so %s(%s) waits for the next tick: %s", task, pk, error)


_outboxes: dict[int, Outbox] = {}  # by process id, because threads do not survive a fork


@receiver(signals.nudged, dispatch_uid="jobs.tasks")
def post(sender: object, task: str, pk: int, **_: object) -> None:
    """Send *task* to a worker soon."""
    _outboxes.setdefault(os.getpid(), Outbox(send)).put(task, pk)
