"""A signed-in browser without script, connections, jobs as rows, a filled-in form, a bucket and a role for it."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.aws import s3
from batchconsole.jobs.models import Connection, Grant, Role
from tests.conftest import ACCOUNT, REGION, service_role_trust
from tests.factories import MakeJob as MakeJob
from tests.factories import job_maker

NOBODY = "http://127.0.0.1:9"  # a port nothing listens on
Answer = Any  # what the test client returns: an HttpResponse with its text, context and redirects


MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
LINE = {"recordId": "record-1", "modelInput": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}}


def filled_in(bucket: str = "some-bucket", **changes: Any) -> dict[str, Any]:
    """What a browser posts; a change to ``None`` leaves the field out."""
    values = {
        "job_name": "support-triage",
        "model_id": MODEL,
        "model_invocation_type": "Converse",
        "input_s3_uri": f"s3://{bucket}/input/",
        "output_s3_uri": f"s3://{bucket}/output/",
        "service_role": "existing",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/service-role/batch",
        "tags-TOTAL_FORMS": "1",
        "tags-INITIAL_FORMS": "0",
        "tags-0-key": "",
        "tags-0-value": "",
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


@pytest.fixture
def person(db: None) -> User:
    user = User.objects.create_user("ada", password="correct horse battery staple")
    Grant.objects.create(user=user, role=Role.objects.get(name="Operator"))
    return user


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
    return job_maker(connection, person)


def arn(job_id: str = "abcdefghijkl") -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/{job_id}"


@pytest.fixture
def away(db: None) -> Connection:
    """A connection whose endpoints nobody listens on."""
    nobody = "http://127.0.0.1:9"
    return Connection.objects.create(
        name="away", title="Away", credentials="local", endpoint_url=nobody, bedrock_endpoint_url=nobody
    )


@pytest.fixture
def local(connection: Connection, aws_endpoint: str) -> Connection:
    """The connection onto this session's MiniStack. Bedrock is away: the form does not need it."""
    connection.credentials = Connection.Credentials.LOCAL
    connection.endpoint_url = aws_endpoint
    connection.bedrock_endpoint_url = "http://127.0.0.1:9"
    connection.save()
    return connection


@pytest.fixture
def bucket(local: Connection) -> str:
    """A bucket of its own with one input file of three records."""
    name = f"input-{uuid4().hex[:12]}"
    s3.create_bucket(local.target, name)
    s3.put_object(local.target, name, "input/records.jsonl", b"\n".join([json.dumps(LINE).encode()] * 3))
    return name


@pytest.fixture
def role_arn(boto: Any) -> str:
    """A role that Bedrock may assume."""
    role = boto("iam").create_role(RoleName=f"batch-{uuid4().hex[:8]}", AssumeRolePolicyDocument=service_role_trust())
    return str(role["Role"]["Arn"])
