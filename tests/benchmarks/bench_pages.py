"""The processor time of each page, with few rows behind it and with many, against the emptiest page of that frame."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from batchconsole.jobs.models import BatchJob, BulkAction, BulkActionItem, Connection, Event, Status
from tests.benchmarks.many_jobs import fill, scratch_database
from tests.benchmarks.row import Row
from tests.conftest import local_aws

EVENTS = 1_000  # of one job, which is far more than any has
FEW, MANY = 1_000, 100_000  # jobs; with either, a page has as many rows as it shows
RUNS = 15
EMPTIEST = "/help/job-list/"  # the frame around some paragraphs: session, person, connections, no rows
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


class PageGoal(NamedTuple):
    """A page, how many of the emptiest page's times it may take, and how many of its own time with few rows."""

    name: str
    path: str
    at_most: float
    grows: float = 2


PAGES = [
    PageGoal("overview", "/local/", 12),
    PageGoal("job list", "/local/jobs/?page=3", 20),
    PageGoal("job list, filtered", "/local/jobs/?f=status%3DFailed&sort=name", 30),
    PageGoal("job, details", "/local/jobs/{job}/", 15),
    PageGoal("job, activity", "/local/jobs/{job}/?tab=activity", 30),
    PageGoal("job, definition", "/local/jobs/{job}/?tab=definition", 12),
    PageGoal("job, tags", "/local/jobs/{job}/?tab=tags", 12),
    PageGoal("bulk action", "/local/bulk-actions/{bulk}/", 25, grows=5),  # it counts its 10,000 jobs by outcome
    PageGoal("bulk actions", "/local/bulk-actions/", 12),
    PageGoal("create job", "/local/jobs/create/", 20),
    PageGoal("S3 buckets", "/local/s3/", 10),
    PageGoal("usage", "/local/usage/?range=12m", 60, grows=15),  # it adds every job up
    PageGoal("activity", "/activity/", 15),
    PageGoal("preferences", "/preferences/", 5),
]


def main() -> Iterator[Row]:
    """Two rows for each page, one by one."""
    with (
        TemporaryDirectory() as folder,
        local_aws(Path(folder)) as (url, _),
        override_settings(STORAGES=STORAGES, STATIC_ROOT=folder),
    ):
        few, many = measured(FEW, url), measured(MANY, url)
    for page in PAGES:
        times = f"{few[page.name]:.1f} with {FEW:,} jobs, {many[page.name]:.1f} with {MANY:,}"
        yield Row(f"page {page.name}, against the emptiest page", many[page.name], at_most=page.at_most, note=times)
        yield Row(f"page {page.name}, many against few", many[page.name] / few[page.name], at_most=page.grows)


def measured(jobs: int, aws_endpoint: str) -> dict[str, float]:
    """The time of each page of a database with so many jobs, in times of the emptiest page."""
    with scratch_database():
        fill(jobs)
        Connection.objects.update(endpoint_url=aws_endpoint, synced_at=timezone.now())
        names = {"job": busy_job().pk, "bulk": bulk_action(jobs).pk}
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(User.objects.create_superuser("ada"), "django.contrib.auth.backends.ModelBackend")
        unit = median(partial(read, client, EMPTIEST))
        return {page.name: median(partial(read, client, page.path.format(**names))) / unit for page in PAGES}


def read(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200, f"{path} answered {response.status_code}"


def median(step: Callable[[], None]) -> float:
    """Seconds of this process's processor; what databases and AWS in other processes take is not the page's."""
    step()
    seconds = []
    for _ in range(RUNS):
        before = time.process_time()
        step()
        seconds.append(time.process_time() - before)
    return statistics.median(seconds)


def busy_job() -> BatchJob:
    """A job with a long history, and as many tags as AWS allows."""
    job: BatchJob = BatchJob.objects.latest("pk")
    now = timezone.now()
    events = [
        Event(
            connection=job.connection, job=job, verb="reported", to_status="InProgress", at=now - timedelta(seconds=n)
        )
        for n in range(EVENTS)
    ]
    Event.objects.bulk_create(events, batch_size=1000)
    job.tags = [{"key": f"key-{number}", "value": "value"} for number in range(50)]
    job.save()
    return job


def bulk_action(jobs: int) -> BulkAction:
    """A stop of a tenth of all jobs, or of one."""
    chosen = list(BatchJob.objects.values_list("pk", flat=True)[: max(1, jobs // 10)])
    action: BulkAction = BulkAction.objects.create(
        connection=Connection.objects.get(), job_count=len(chosen), due_at=None, finished_at=timezone.now()
    )
    items = [BulkActionItem(action=action, job_id=pk, outcome=Status.STOPPED.lower()) for pk in chosen]
    BulkActionItem.objects.bulk_create(items, batch_size=1000)
    return action
