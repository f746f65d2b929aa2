"""What few jobs have is found without reading the others: SQLite's own steps are counted, not its time."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.record_errors import COMPLETED_WITH_ERRORS
from tests.benchmarks.bench_jobs import LISTS, read
from tests.benchmarks.many_jobs import fill, scratch_database

JOBS = 10_000
EVERY = 100  # steps
MOST = 50_000  # about four times what any of these takes; to read each job once would take twice as many
RARE = (
    "text that few jobs have",
    "text that no job has",
    "Job name : what few have",
    "Job name !: what many have",
    "Job name = one",
    "Job name ^ one",
    "Model = a rare one",
    "Model : a rare one",
    "Model : none",
    "Invocation type, the rare",
    "Origin, the rare",
    "Lane, the rare",
    "Tag of few",
    "Tag of none",
    "Created by somebody with few",
    "Created by nobody",
    "Creation time < the first hour",
    "End time >= a day to come",
    "Errors > 4,999",
    "Duration > 3 h",
    "any of: a rare model, a rare tag",
    "any of: a name, a rare status",
)


def steps(page: Callable[[], object]) -> int:
    """The steps SQLite takes for one page."""
    counted = []

    def count() -> int:
        counted.append(EVERY)
        return 0  # go on

    database.connection.set_progress_handler(count, EVERY)
    page()
    database.connection.set_progress_handler(None, 0)
    return sum(counted)


@pytest.fixture(scope="module")
def client(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Client]:
    with django_db_blocker.unblock(), scratch_database():
        fill(JOBS)
        signed_in = Client()
        signed_in.force_login(User.objects.create_superuser("ada"), "django.contrib.auth.backends.ModelBackend")
        yield signed_in


@pytest.mark.parametrize(
    "narrowed",
    [
        Q(COMPLETED_WITH_ERRORS, created_by=1),
        Q(COMPLETED_WITH_ERRORS, created_by=1, model_id__in=["amazon.nova-lite-v1:0"]),
        Q(COMPLETED_WITH_ERRORS, model_id__in=["amazon.nova-lite-v1:0", "amazon.nova-micro-v1:0"]),
        Q(created_by=1, model_id__in=["amazon.nova-lite-v1:0"], status__in=["Failed", "Expired"]),
    ],
)
@pytest.mark.usefixtures("client")
def test_jobs_of_a_person_and_a_model_are_counted_in_an_index_alone(narrowed: Q) -> None:
    with CaptureQueriesContext(database) as queries:
        BatchJob.objects.filter(narrowed, connection=1).bounded_count()
    assert any("COVERING INDEX" in plan for plan in plan_of(queries[0]["sql"]))


def plan_of(sql: str) -> list[str]:
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [str(row[3]) for row in cursor.fetchall()]


@pytest.mark.parametrize("name", RARE)
def test_what_few_jobs_have_is_found_by_its_index(client: Client, name: str) -> None:
    assert steps(lambda: read(client, LISTS[name])) < MOST


def test_the_work_page_finds_unread_results_by_their_index(client: Client) -> None:
    assert steps(lambda: client.get("/admin/work/")) < MOST
