"""A month of usage is read from an index alone, by the plan of SQLite; PostgreSQL would scan so small a table."""

from datetime import date

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from batchconsole.jobs.costs.usage import DAY, MODEL, PERSON, Days, cells, dearest
from batchconsole.jobs.models import Connection

pytestmark = pytest.mark.django_db


OCTOBER = Days(date(2026, 10, 1), date(2026, 10, 31))


def plan(queries: CaptureQueriesContext) -> str:
    """How SQLite goes about the first of *queries*."""
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        return " ".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize("by", [DAY, MODEL, PERSON])
def test_adding_up_reads_the_index_and_not_the_jobs(by: str) -> None:
    connection = Connection.objects.create(name="c")
    with CaptureQueriesContext(database) as queries:
        list(cells(connection, OCTOBER, by=by))
    assert len(queries) == 1
    assert "USING COVERING INDEX job_usage" in plan(queries)


def test_the_dearest_jobs_are_found_in_the_index() -> None:
    connection = Connection.objects.create(name="c")
    with CaptureQueriesContext(database) as queries:
        dearest(connection, OCTOBER, 10)
    assert "USING COVERING INDEX job_usage" in plan(queries)
