"""The Celery application: Celery is the clock and the hands, the database is the queue."""

import os

from celery import Celery
from django.conf import settings

# Celery loads Django when a worker or beat is what starts first.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchconsole.settings")

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
    task_default_queue="control",
    beat_schedule={"tick": {"task": "batchconsole.jobs.tasks.tick", "schedule": 1.0, "options": {"expires": 5}}},
    timezone="UTC",
)
app.autodiscover_tasks(["batchconsole.jobs"])
