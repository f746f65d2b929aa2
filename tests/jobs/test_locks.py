"""The order of locks: what the watch of all tests of this folder finds, and what it lets pass."""

import pytest

from batchconsole.jobs.locks import Watch

CONNECTION = 'SELECT "jobs_connection"."id" FROM "jobs_connection" WHERE "id" = 1 FOR NO KEY UPDATE'
JOB = 'UPDATE "jobs_batchjob" SET "status" = 1'
CHECK = 'UPDATE "jobs_inputcheck" SET "state" = 1'
ITEMS = 'INSERT INTO "jobs_bulkactionitem" ("action_id") VALUES (1)'


@pytest.mark.parametrize(
    ("statements", "is_right"),
    [
        ([CONNECTION, JOB, JOB, CHECK], True),
        ([CONNECTION, ITEMS], True),
        ([CHECK], True),
        (["SELECT 1", 'SELECT "jobs_connection"."id" FROM "jobs_connection"', JOB], True),
        ([JOB, CONNECTION], False),
        ([CHECK, JOB], False),
        ([CHECK, 'UPDATE "jobs_madeinput" SET "state" = 1'], False),
        ([ITEMS], False),
    ],
)
def test_a_transaction_locks_in_the_order_of_the_list(statements: list[str], is_right: bool) -> None:
    watch = Watch()
    assert is_right is not any(watch.violation(sql) for sql in statements)
