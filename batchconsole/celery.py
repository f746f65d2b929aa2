"""The Celery application: Celery is the clock and the hands, the database is the queue."""

import os
import time
from datetime import datetime

from celery import Celery
from celery.schedules import schedstate, schedule
from django.conf import settings

from batchconsole import broker

# Celery loads Django when a worker or beat is what starts first.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")


class EverySecond(schedule):  # type: ignore[misc] # celery has no types
    """A schedule by the monotonic clock: with Celery's own no tick would come until a clock set back has caught up."""

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
        return type(self), ()  # beat writes it to a file; what the monotonic clock says is good for one process only


broker.install()
app = Celery("batchconsole")
app.set_default()  # For all threads: without it a web thread would talk to a default broker that does not exist.
app.conf.update(
    broker_url=settings.REDIS_URL.replace("unix://", "redis+socket://"),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # A worker waits for the broker as long as it takes.
    broker_transport_options={
        "visibility_timeout": 3600,
        # With the broker away a page must not wait: the row is saved, and the tick finds it.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
    },
    task_publish_retry=False,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    # Nobody asks workers anything. Closing the queues of remote control, when the broker was lost, ended them with an
    # AttributeError in the client library.
    worker_enable_remote_control=False,
    task_default_queue="control",
    beat_schedule={
        "tick": {"task": "batchconsole.jobs.tasks.tick", "schedule": EverySecond(), "options": {"expires": 5}}
    },
    timezone="UTC",
)
app.autodiscover_tasks(["batchconsole.jobs"])
