"""The job list with a million jobs in the table, and the calls that following ten thousand live ones takes."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from tempfile import TemporaryDirectory

from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from batchconsole.jobs.models import BatchJob, Status
from batchconsole.jobs.sync import sync
from tests.benchmarks.many_jobs import LONE, fill, make_connection, scratch_database
from tests.benchmarks.row import Row
from tests.jobs.bedrock_double import BedrockDouble
from tests.jobs.conftest import arn

FEW, MANY, FOLLOWED = 1_000, 1_000_000, 10_000
RUNS = 9
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
# Query strings of the list: each way to narrow it, by what many, some, few and no jobs have. What few have, the same
# jobs have in the small table, so that both pages show as many rows; where that cannot be, IN_THE_SMALL_TABLE says what
# is asked there instead.
LISTS: dict[str, str] = {
    "no filter": "",
    "one status": "status=Failed",
    "a group of statuses": "status=running",
    "a rare status": "status=Expired",
    "a status that no job is in": "status=Stopped",
    "Status != Completed": "f=status!=Completed",
    "Completed with errors": "status=with_errors",
    "failed, or without any answer": "status=failed",
    "text that many jobs have": "q=night",
    "text that some jobs have": "q=4711",
    "text that few jobs have": "q=pilot",
    "text that one job has": "q=needle",
    "text that no job has": "q=nothing-like-this",
    "text and status": "q=needle&status=Completed",
    "frequent text and a status": "q=night&status=Failed",
    "frequent text and a rare status": "q=night&status=Expired",
    "frequent text and a status that no job is in": "q=night&status=Stopped",
    "Job name : what many have": "f=name:night",
    "Job name : what few have": "f=name:pilot",
    "Job name !: what many have": "f=name!:night",
    "Job name = one": "f=name=The-Needle",
    "Job name ^ one": "f=name^the-ne",
    "Model = a common one": "f=model=Nova Lite",
    "Model = a rare one": "f=model=mistral.mistral-large-2402-v1:0",
    "Model : a rare one": "f=model:mistral",
    "Model : none": "f=model:claude",
    "Model !: a common one": "f=model!:nova",
    "Model != a rare one": "f=model!=mistral.mistral-large-2402-v1:0",
    "Invocation type, the usual": "f=type=Converse",
    "Invocation type, the rare": "f=type=InvokeModel",
    "Origin, the rare": "f=origin=imported",
    "Lane, the usual": "f=lane=batch",
    "Lane, the rare": "f=lane=on_demand",
    "Tag of every job": "f=tag=team",
    "Tag of every twelfth": "f=tag=team=team-7",
    "Tag of few": "f=tag=project=pilot",
    "Tag of none": "f=tag=team=nobody",
    "Tag != every twelfth": "f=tag!=team=team-7",
    "Created by one of twenty": "f=by=person-7",
    "Created by somebody with few": f"f=by={LONE}",
    "Created by nobody": "f=by=-",
    "Created by all but one": "f=by!=person-7",
    "Creation time >= the first day": "f=created>=2026-01-01",
    "Creation time < the first hour": "f=created<2026-01-01T01:00Z",
    "End time >= a day to come": "f=ended>=2030-01-01",
    "End time <= the first day": "f=ended<=2026-01-01",
    "End time < the first hour": "f=ended<2026-01-01T01:00Z",
    "Records >= 1,000": "f=records>=1000",
    "Errors > 0": "f=errors>0",
    "Errors > 4,999": "f=errors>4999",
    "Duration > 20 min": "f=duration>20 min",
    "Duration > 3 h": "f=duration>3 h",
    "all of: a model, a person": "f=model=Nova Lite&f=by=person-7",
    "all of: a tag, a type that few have": "f=tag=team=team-7&f=type=InvokeModel",
    "all of: a tag, a person, completed": "f=tag=team=team-6&f=by=person-10&status=completed",
    "all of: two tags that no job has both": "f=tag=team=team-6&f=tag=team=team-7",
    "any of: two people": f"f=by=person-7&f=by={LONE}&join=any",
    "any of: a rare model, a rare tag": "f=model:mistral&f=tag=project=pilot&join=any",
    "any of: a name, a rare status": "f=name:needle&f=status=Expired&join=any",
    "sorted by name": "sort=name",
    "sorted by name, last first": "sort=-name",
    "sorted by status": "sort=status",
    "sorted by status, last first": "sort=-status",
    "oldest first": "sort=created",
    "a status, sorted by name": "status=Failed&sort=name",
    "a person's, sorted by name": "f=by=person-7&sort=name",
    "page 20": "page=20",
    "page 200": "page=200",
    "page 20 of a text": "q=night&page=20",
}

IN_THE_SMALL_TABLE = {"text that some jobs have": "q=ly-7"}


def main() -> Iterator[Row]:
    """The rows of the table, one by one."""
    yield from job_list()
    yield calls_of_a_sync()


def times(lists: dict[str, str]) -> dict[str, float]:
    """Median seconds of each list: the whole page, as its view answers a browser."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_superuser("ada"), "django.contrib.auth.backends.ModelBackend")
    return {name: median(partial(read, client, query)) for name, query in lists.items()}


def read(client: Client, query: str) -> None:
    response = client.get(f"/local/jobs/?{query}")
    assert response.status_code == 200, f"The list of {query} answered {response.status_code}"
    assert "was ignored" not in response.text, f"The list takes {query} for nonsense"


def median(step: Callable[[], None]) -> float:
    """Seconds of this process's processor, in which SQLite works too."""
    step()
    seconds = []
    for _ in range(RUNS):
        before = time.process_time()
        step()
        seconds.append(time.process_time() - before)
    return statistics.median(seconds)


def job_list() -> Iterator[Row]:
    with TemporaryDirectory() as folder, override_settings(STORAGES=STORAGES, STATIC_ROOT=folder):
        with scratch_database():
            fill(FEW)
            few = times(LISTS | IN_THE_SMALL_TABLE)
        with scratch_database():
            fill(MANY)
            many = times(LISTS)
    for name in LISTS:
        note = f"{few[name] * 1000:.0f} ms with {FEW:,}, {many[name] * 1000:.0f} ms with {MANY:,}"
        yield Row(f"job list of {MANY:,} jobs, {name}", many[name] / few[name], at_most=2, note=note)


def calls_of_a_sync() -> Row:
    now = timezone.now()
    with scratch_database(), BedrockDouble() as double, override_settings(ALLOWED_ENDPOINTS=["127.0.0.1"]):
        connection = make_connection()
        connection.bedrock_endpoint_url, connection.sync_watermark = double.url, now
        connection.save()
        rows = []
        for number in range(FOLLOWED):
            age = timedelta(seconds=number)
            double.add(number=number, status="InProgress", age=age)
            job = {"job_name": f"job-{number}", "job_arn": arn(number), "submit_time": now - age}
            rows.append(BatchJob(connection=connection, status=Status.IN_PROGRESS, due_at=None, **job))
        BatchJob.objects.bulk_create(rows)
        sync(connection)
        connection.refresh_from_db()
        assert not connection.sync_error, connection.sync_error
        return Row(f"sync of {FOLLOWED:,} live jobs", double.calls, unit="calls", at_most=11)
