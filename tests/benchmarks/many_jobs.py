"""A database of its own with as many jobs as wanted, which differ in all that the list can be narrowed to."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection as database

from batchconsole.jobs.finding import search
from batchconsole.jobs.models import BatchJob, Connection, Status
from tests.jobs.conftest import make_job

PEOPLE = 20
LONE = "grace"  # who has made the pilot's jobs and no other
FILL = """
INSERT INTO jobs_batchjob ({columns})
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %s)
SELECT {values} FROM numbers, (SELECT * FROM jobs_batchjob WHERE id = %s) AS one
"""
# The same 58 jobs in a table of any size, and the oldest: whoever looks for them from the newest on reads everything.
PILOT = "i <= 1000 AND i % 17 = 0"
MODELS = ("amazon.nova-micro-v1:0", "amazon.nova-lite-v1:0", "meta.llama3-1-8b-instruct-v1:0")
MODEL = (
    f"CASE WHEN {PILOT} THEN 'mistral.mistral-large-2402-v1:0' "
    f"ELSE CASE i % 3 WHEN 0 THEN '{MODELS[0]}' WHEN 1 THEN '{MODELS[1]}' ELSE '{MODELS[2]}' END END"
)
NAME = "'nightly-' || (i * 7919 % 1000003)"
MIXED = "(i * 31 + i / 7)"  # so that status has nothing to do with model, person or tags
STATUS = f"CASE WHEN {MIXED} % 45 = 0 THEN 'Failed' WHEN {MIXED} % 40 = 0 THEN 'InProgress' ELSE 'Completed' END"
TEAM = """'[{"key": "team", "value": "team-' || (i % 12) || '"}, {"key": "run", "value": "' || (i / 100) || '"}'"""
PERSON = "(SELECT id FROM auth_user WHERE username = '%s')"
LATER = f"CASE WHEN {PILOT} THEN -9000 ELSE i % 900 END"  # seconds from the creation to the submission
# What differs from row to row; everything else is a copy of one job.
VARIED = {
    "job_name": f"CASE WHEN i = 500 THEN 'the-needle' WHEN {PILOT} THEN 'nightly-pilot-' || i ELSE {NAME} END",
    "client_request_token": "'token-' || i",
    "job_arn": "'arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/' || printf('%%012d', i)",
    "model_id": MODEL,
    "base_model_id": MODEL,
    "model_invocation_type": f"CASE WHEN {PILOT} THEN 'InvokeModel' ELSE 'Converse' END",
    "origin": f"CASE WHEN {PILOT} THEN 'imported' ELSE 'console' END",
    "lane": f"CASE WHEN {PILOT} THEN 'on_demand' ELSE 'batch' END",
    "created_by_id": f"CASE WHEN {PILOT} THEN {PERSON % LONE} ELSE {PERSON % 'person-0'} + i % {PEOPLE} END",
    "tags": f"""{TEAM} || CASE WHEN {PILOT} THEN ', {{"key": "project", "value": "pilot"}}]' ELSE ']' END""",
    "status": f"CASE WHEN {PILOT} THEN 'Expired' ELSE {STATUS} END",
    "created_at": "datetime('2026-01-01', '+' || (i * 20) || ' seconds')",
    "end_time": "datetime('2026-01-01', '+' || (i * 20 + 1800) || ' seconds')",
    "submit_time": f"datetime('2026-01-01', (i * 20 + {LATER}) || ' seconds')",
    "total_record_count": "100 + i % 1000",
    "error_record_count": f"CASE WHEN {PILOT} THEN 5000 + i WHEN i % 30 = 0 THEN 1 + i % 7 ELSE 0 END",
}


@contextmanager
def scratch_database() -> Iterator[None]:
    """An empty database in place of the default one, for the length of the block."""
    before = database.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        database.close()
        database.settings_dict["NAME"] = str(Path(folder) / "bench.sqlite3")
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            database.close()
            database.settings_dict["NAME"] = before


def make_connection() -> Connection:
    return Connection.objects.create(name="local", title="Local", credentials="local", account_id="123456789012")


def fill(count: int) -> None:
    """As many jobs, made in one statement of SQL."""
    template = make_job(make_connection(), status=Status.COMPLETED, due_at=None)
    for name in (*(f"person-{number}" for number in range(PEOPLE)), LONE):
        User.objects.create_user(name)
    columns = [str(field.column) for field in BatchJob._meta.local_concrete_fields if not field.primary_key]
    values = ", ".join(VARIED.get(column, f"one.{column}") for column in columns)
    search.drop_index(using="default")
    with database.cursor() as cursor:
        cursor.execute(FILL.format(columns=", ".join(columns), values=values), [count - 1, template.pk])
    search.make_index(using="default")
