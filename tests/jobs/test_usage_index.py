"""A month of usage is read from an index alone, by the plan of SQLite; PostgreSQL would scan so small a table."""

from datetime import date

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from batchconsole.jobs.models import Connection
from batchconsole.jobs.usage import DAY, MODEL, PERSON, Days, cells

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("by", [DAY, MODEL, PERSON])
def test_adding_up_reads_the_index_and_not_the_jobs(by: str) -> None:
    connection = Connection.objects.create(name="c")
    with CaptureQueriesContext(database) as queries:
        list(cells(connection, Days(date(2026, 10, 1), date(2026, 10, 31)), by=by))
    assert len(queries) == 1
    with database.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "USING COVERING INDEX job_usage" in plan
