"""A connection to the local stack, something to run on it, and a look at what was nudged."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from django.contrib.auth.models import User
from django.db import connection as database
from django.utils import timezone

from batchconsole.aws import iam, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.leases import Lease, Step
from batchconsole.jobs.lifecycle import create_job, submit
from batchconsole.jobs.locks import Watch
from batchconsole.jobs.models import BatchJob, Connection, Grant, Role
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.signals import nudged
from tests.conftest import ACCOUNT, REGION
from tests.factories import MODEL as MODEL
from tests.factories import make_job as make_job
from tests.localbedrock.stack import control_headers


@dataclass(frozen=True)
class Sample:
    """An input of 100 Converse records and a role that may read it and write beside it."""

    bucket: str
    input_s3_uri: str
    output_s3_uri: str
    role_arn: str


def converse_lines(count: int) -> bytes:
    records = (
        {
            "recordId": f"rec-{number:05}",
            "modelInput": {"messages": [{"role": "user", "content": [{"text": f"Say the number {number}."}]}]},
        }
        for number in range(count)
    )
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


LOCKED_FIRST = ("jobs_connection", "jobs_notificationchannel")  # by a SELECT, before what belongs to them


@pytest.fixture(autouse=True)
def lock_order(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every transaction of a test that commits keeps the order of locks."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    watch, violations, last = Watch(), list[str](), list[Any]()

    def look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        outermost: list[Any] = database.atomic_blocks[:1]
        if outermost != last:  # another transaction; PostgreSQL is not told of its begin by a statement
            watch.held.clear()
            last[:] = outermost
        if outermost and database.vendor == "sqlite":  # which has no word for it
            watch.held[:0] = [table for table in LOCKED_FIRST if f' FROM "{table}"' in str(sql)]
        violations.append(watch.violation(str(sql)) if outermost else "")
        return execute(sql, params, many, context)

    with database.execute_wrapper(look):
        yield
    assert not any(violations), next(filter(None, violations))


@pytest.fixture
def connection(db: None, aws_endpoint: str, bedrock_endpoint: str) -> Connection:
    """The connection ``local``, onto this session's MiniStack and local Bedrock."""
    return Connection.objects.create(
        name="local",
        title="Local stack",
        region=REGION,
        account_id=ACCOUNT,
        endpoint_url=aws_endpoint,
        bedrock_endpoint_url=bedrock_endpoint,
        bedrock_runtime_endpoint_url=bedrock_endpoint,
        credentials=Connection.Credentials.LOCAL,
    )


@pytest.fixture
def nowhere(db: None) -> Connection:
    """A connection whose endpoints nobody listens on."""
    return Connection.objects.create(
        name="nowhere",
        title="Nowhere",
        account_id=ACCOUNT,
        endpoint_url="http://127.0.0.1:9",
        bedrock_endpoint_url="http://127.0.0.1:9",
        credentials=Connection.Credentials.LOCAL,
    )


class LocalBedrock:
    """The switches of the local Bedrock, all put back after the test."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = f"{url}/_localbedrock"
        self.headers = control_headers(folder)
        self.before = self._ask("GET", "settings").json()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        answer = requests.request(method, f"{self.url}/{path}", json=body, headers=self.headers, timeout=30)
        answer.raise_for_status()
        return answer

    def fault(self, kind: str, operation: str, count: int = 3) -> None:
        """*kind* strikes the next *count* calls; boto3 makes three before it gives up."""
        body = {"kind": kind, "operation": operation, "count": count}
        self._ask("POST", "faults", body)

    def set(self, **settings: float) -> None:
        self._ask("PATCH", "settings", settings)

    def reset(self) -> None:
        self._ask("DELETE", "faults")
        self.set(**{name: self.before[name] for name in ("record_seconds", "max_jobs_per_model")})


@pytest.fixture
def local_bedrock(bedrock_endpoint: str, bedrock_folder: Path) -> Iterator[LocalBedrock]:
    switches = LocalBedrock(bedrock_endpoint, bedrock_folder)
    yield switches
    switches.reset()


@pytest.fixture
def person(db: None) -> User:
    user = User.objects.create_user("ada")
    Grant.objects.create(user=user, role=Role.objects.get(name="Operator"))
    return user


@pytest.fixture
def sample_input(connection: Connection) -> Sample:
    """A fresh bucket with 100 Converse records, and a service role for it."""
    target, bucket = connection.target, f"sample-{uuid4().hex[:12]}"
    s3.create_bucket(target, bucket)
    s3.put_object(target, bucket, "in/converse.jsonl", converse_lines(100))
    source, sink = f"s3://{bucket}/in/", f"s3://{bucket}/out/"
    asked = JobRequest.from_fields({"input_s3_uri": source, "output_s3_uri": sink, "model_id": MODEL})
    role = iam.create_service_role(target, asked, role_name=bucket, account_id=ACCOUNT)
    return Sample(bucket, input_s3_uri=source, output_s3_uri=sink, role_arn=role)


@pytest.fixture
def fields(sample_input: Sample) -> dict[str, Any]:
    """What the form would send for the sample, under a name of its own."""
    return {
        "job_name": f"job-{uuid4().hex[:12]}",
        "model_id": MODEL,
        "model_invocation_type": "Converse",
        "input_s3_uri": sample_input.input_s3_uri,
        "output_s3_uri": sample_input.output_s3_uri,
        "role_arn": sample_input.role_arn,
    }


@pytest.fixture
def job(connection: Connection, fields: dict[str, Any]) -> BatchJob:
    """A queued job of the sample."""
    return create_job(connection=connection, actor=None, request=JobRequest(**fields))


@pytest.fixture
def nudges() -> Iterator[list[tuple[str, int]]]:
    """Every nudge sent during the test, as task and key."""
    sent: list[tuple[str, int]] = []

    def note(task: str, pk: int, **_: object) -> None:
        sent.append((task, pk))

    nudged.connect(note)
    yield sent
    nudged.disconnect(note)


def held(step: Step[Any, Any], row: Any, **columns: Any) -> Lease:
    """The lease of a worker that is at *row* and has written *columns*."""
    lease = step.take(row)
    assert lease
    lease.write(**columns)
    return lease


def die(lease: Lease) -> None:
    """As if the worker that holds *lease* had not been heard of until it ran out."""
    row: Any = lease.row
    type(row).objects.filter(pk=row.pk).update(**lease.step.columns(due_at=timezone.now()))
    row.refresh_from_db()


def claim(job: BatchJob) -> Lease | None:
    """A worker takes *job* to submit it, and gets no further; ``None`` when it may not."""
    lease = submit.take(job)
    return lease if lease and scheduling.take_place(job, lease) else None


def arn(number: int) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{number:012}"
