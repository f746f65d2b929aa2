"""Create jobs and grants directly in the database, for tests that need no AWS."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.db import connection as database

from batchconsole.jobs.models import BatchJob, Connection, Grant, Role
from tests.conftest import ACCOUNT

MODEL = "amazon.nova-micro-v1:0"
MakeJob = Callable[..., BatchJob]


def grant(person: User | Group, role: str, connection: Connection | None = None) -> Grant:
    """Give *person* (a user or group) a shipped role on *connection*, or on all connections."""
    to = {"user": person} if isinstance(person, User) else {"group": person}
    return Grant.objects.create(role=Role.objects.get(name=role), connection=connection, **to)


def make_job(connection: Connection, **values: Any) -> BatchJob:
    """Create a job with all required fields, which is queued unless *values* say otherwise."""
    defaults = {
        "job_name": f"job-{uuid4().hex[:12]}",
        "model_id": MODEL,
        "input_s3_uri": "s3://bucket/in/",
        "output_s3_uri": "s3://bucket/out/",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/r",
    }
    return BatchJob.objects.create(**{"connection": connection, **defaults, **values})


def add_copies(job: BatchJob, *, count: int) -> None:
    """Insert *count* copies of *job*, which has neither an ARN nor an id of a gateway, in one statement."""
    columns = [str(field.column) for field in BatchJob._meta.local_concrete_fields if not field.primary_key]
    values = ["'copy-' || number" if column == "client_request_token" else column for column in columns]
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jobs_batchjob ({', '.join(columns)}) WITH RECURSIVE numbers(number) AS "
            "(SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < %s) "
            f"SELECT {', '.join(values)} FROM jobs_batchjob, numbers WHERE id = %s",
            [count, job.pk],
        )


def job_maker(connection: Connection, person: User) -> MakeJob:
    """Return a function that saves jobs of *person* for pages to show. Statuses from AWS also need a ``job_arn``."""
    shown = {
        "created_by": person,
        "model_id": "amazon.nova-lite-v1:0",
        "model_invocation_type": "Converse",
        "input_s3_uri": "s3://prompts/input/",
        "output_s3_uri": "s3://prompts/output/",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/batch",
    }

    def make(job_name: str = "welcome", status: str = "Completed", **fields: Any) -> BatchJob:
        values = {"connection": connection, "job_name": job_name, "status": status, **shown, **fields}
        return make_job(**values)

    return make
