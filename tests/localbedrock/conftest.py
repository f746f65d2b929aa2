"""A local Bedrock of its own for these tests, a workspace in S3, and the SDK for JavaScript."""

from collections.abc import Iterator
from typing import Any

import pytest

from batchconsole.setup import clients
from batchconsole.setup.paths import NODE
from tests.localbedrock.stack import Service, Workspace, running


@pytest.fixture(scope="session")
def service(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Bedrock with the ``echo`` model, whose jobs may have a single record."""
    folder = tmp_path_factory.mktemp("service")
    with running(
        Service(folder, aws_endpoint, "--min-records-per-job", "1", "--max-jobs-per-model", "1000")
    ) as started:
        yield started


@pytest.fixture(scope="session")
def bedrock(service: Service) -> Any:
    return service.client("bedrock")


@pytest.fixture(scope="session")
def runtime(service: Service) -> Any:
    return service.client("bedrock-runtime")


@pytest.fixture(scope="session")
def workspace(aws_endpoint: str) -> Workspace:
    return Workspace(aws_endpoint)


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node.js, with the AWS SDK for JavaScript installed."""
    clients.ensure_javascript()
    return str(NODE)
