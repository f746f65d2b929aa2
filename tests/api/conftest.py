"""AWS's own client at the gateway, without a network between: botocore signs, Django's test client carries."""

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from django.contrib.auth.models import User
from django.test import Client

from batchconsole.jobs.models import ApiKey, Connection, Right
from batchconsole.jobs.rights.api_keys import create_api_key, signing_secret
from tests.conftest import REGION
from tests.factories import grant
from tests.jobs.conftest import connection as connection
from tests.jobs.conftest import fields as fields
from tests.jobs.conftest import local_bedrock as local_bedrock
from tests.jobs.conftest import sample_input as sample_input

HOST = "http://127.0.0.1:8000"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
Carry = Callable[..., AWSResponse]


class Body(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, size: int = 1 << 16, **_: Any) -> Iterator[bytes]:
        while piece := self.read(size):
            yield piece


def carry(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """What the console answers to *request*."""
    url = urlsplit(request.url)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    answer = Client(enforce_csrf_checks=True).generic(
        request.method,
        f"{url.path}?{url.query}",
        body,
        headers.pop("Content-Type", ""),
        headers={"Host": url.netloc, **headers},
        REQUEST_URI=f"{url.path}?{url.query}",
    )
    content = answer.getvalue() if answer.streaming else answer.content
    return AWSResponse(request.url, answer.status_code, dict(answer.headers), Body(content))


def aws_client(service: str, name: str, **options: Any) -> Any:
    """boto3's client of the connection *name* at the console."""
    client = boto3.client(
        service, endpoint_url=f"{HOST}/aws/{name}", **{"region_name": REGION, "config": ONE_ATTEMPT, **options}
    )
    client.meta.events.register(f"before-send.{service}", carry)
    return client


def key_of(person: User, *rights: Right, **options: Any) -> tuple[ApiKey, str]:
    return create_api_key(user=person, name="nightly", rights=rights or list(Right), **options)


def pair_of(key: ApiKey) -> dict[str, str]:
    """The key as AWS's clients take a pair."""
    return {"aws_access_key_id": key.key_id, "aws_secret_access_key": signing_secret(key.key_id)}


@pytest.fixture
def person(db: None) -> User:
    """Somebody without any right yet."""
    return User.objects.create_user("ada")


@pytest.fixture
def key(person: User) -> ApiKey:
    """A key of somebody who may create jobs."""
    grant(person, "Submitter")
    return key_of(person)[0]


@pytest.fixture
def bedrock(connection: Connection, key: ApiKey) -> Any:
    """boto3's Bedrock client of the connection, signing as that key."""
    return aws_client("bedrock", connection.name, **pair_of(key))
