"""A signed-in browser without script, two connections that nobody answers at, and jobs as rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import BatchJob, Connection
from tests.conftest import ACCOUNT, REGION

NOBODY = "http://127.0.0.1:9"  # a port nothing listens on
MakeJob = Callable[..., BatchJob]
Answer = Any  # what the test client returns: an HttpResponse with its text, context and redirects


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ada", password="correct horse battery staple")


@pytest.fixture
def client(client: Client, person: User) -> Client:
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def connection(db: None) -> Connection:
    return Connection.objects.create(
        name="local",
        title="Local stack",
        region=REGION,
        account_id=ACCOUNT,
        credentials=Connection.Credentials.LOCAL,
        endpoint_url=NOBODY,
        bedrock_endpoint_url=NOBODY,
    )


@pytest.fixture
def other(db: None) -> Connection:
    return Connection.objects.create(name="production", title="Production", region="eu-central-1")


@pytest.fixture
def make_job(connection: Connection, person: User) -> MakeJob:
    """Save a job; ``job_arn`` goes with every status that AWS gives."""

    def make(job_name: str = "welcome", status: str = "Completed", **fields: Any) -> BatchJob:
        fields = {
            "connection": connection,
            "created_by": person,
            "model_id": "amazon.nova-lite-v1:0",
            "model_invocation_type": "Converse",
            "input_s3_uri": "s3://prompts/input/",
            "output_s3_uri": "s3://prompts/output/",
            "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/batch",
            **fields,
        }
        return BatchJob.objects.create(job_name=job_name, status=status, **fields)

    return make


def arn(job_id: str = "abcdefghijkl") -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{job_id}"
