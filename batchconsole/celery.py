"""The Celery application. Celery provides the clock and the workers; the queue is in the database."""

import gc
import os
import time
from datetime import datetime
from typing import Any

from celery import Celery
from celery.schedules import schedstate, schedule
from celery.signals import celeryd_init
from django.conf import settings

from batchconsole import broker

# A worker imports this module before Django is set up.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")


class EverySecond(schedule):  # type: ignore[misc] # celery has no types
    """A schedule on the monotonic clock. With Celery's own, setting the system clock back would stop the ticks."""

    def __init__(self) -> None:
        super().__init__(run_every=1.0)
        self._next = 0.0

    def is_due(self, last_run_at: datetime) -> schedstate:
        now = time.monotonic()
        if now < self._next:
            return schedstate(is_due=False, next=self._next - now)
        self._next = now + self.seconds
        return schedstate(is_due=True, next=self.seconds)

    def __reduce__(self) -> tuple[type["EverySecond"], tuple[()]]:
        return type(self), ()  # beat stores schedules in a file; monotonic times are only valid within one process


CONFIGURATION: dict[str, Any] = {
    "broker_url": settings.REDIS_URL.replace("unix://", "redis+socket://"),
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # A worker waits for the broker without a limit.
    "broker_transport_options": {
        "visibility_timeout": 3600,
        # A page must not wait while the broker is down: the row is saved, and the next tick finds it.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
    },
    "task_publish_retry": False,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    # Remote control is not used. With it, a worker that lost its broker crashed with an AttributeError in the client
    # library while closing the control queues.
    "worker_enable_remote_control": False,
    "task_default_queue": "control",
    "beat_schedule": {
        "tick": {"task": "batchconsole.jobs.tasks.tick", "schedule": EverySecond(), "options": {"expires": 5}}
    },
    "timezone": "UTC",
}
broker.install()
app = Celery("batchconsole")
app.set_default()  # For all threads; otherwise web threads would use Celery's default broker, which does not exist.
app.conf.update(CONFIGURATION)
app.autodiscover_tasks(["batchconsole.jobs"])


@celeryd_init.connect  # type: ignore[untyped-decorator] # celery has no types
def keep_tasks(**_: object) -> None:
    """Keep the collector off what a worker has loaded (batchconsole.apps); children of a pool share its memory."""
    gc.freeze()
