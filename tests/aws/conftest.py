"""Targets for the tests of the AWS part."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from tests.conftest import REGION


@pytest.fixture
def target(aws_endpoint: str) -> Target:
    """The local stack without Bedrock."""
    return Target(region=REGION, endpoint_url=aws_endpoint, credentials="local")


@pytest.fixture
def bucket(target: Target) -> str:
    """A fresh bucket."""
    name = f"bucket-{uuid4().hex[:12]}"
    s3.create_bucket(target, name)
    return name


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block raises an AwsError of *code*, with a message and a hint."""
    with pytest.raises(AwsError) as caught:
        yield
    assert caught.value.code == code
    assert caught.value.message
    assert caught.value.hint
