"""Log lines as JSON: what they are about, from the request to the step to the AWS call, and no secret in them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from batchconsole import log_context
from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.jobs import lifecycle
from batchconsole.jobs.models import Connection
from batchconsole.jobs.tasks import TASKS
from batchconsole.logs import ContextFilter, JsonLines, TextFormatter
from batchconsole.masking import MaskingFilter
from tests.factories import make_job

SECRETS = ("/login/?sesame=AAAB-x", "https://b.s3.test/k?X-Amz-Signature=AAAB-x&x=1", "Authorization: Bearer AAAB-x")


class Lines(io.StringIO):
    """The lines that were logged, read back."""

    def of(self, logger: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [line for line in found if line["logger"] == f"batchconsole.{logger}"]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the console's handler writes with ``BATCHCONSOLE_LOG_FORMAT=json``."""
    stream = Lines()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(MaskingFilter())
    handler.addFilter(ContextFilter())
    logger = logging.getLogger("batchconsole")
    names = ("batchconsole.aws.call_log", "batchconsole.console.frame.request_id")
    levels = {name: logging.getLogger(name).level for name in names}
    logger.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel("INFO")
    yield stream
    logger.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_a_request_is_logged_with_its_id_and_person(
    client: Client, connection: Connection, person: User, lines: Lines
) -> None:
    response = client.get("/local/jobs/?search=private")
    (line,) = lines.of("console.frame.request_id")
    assert line["request_id"] == response["X-Request-ID"]
    assert line["person"] == person.username
    assert {"method": "GET", "path": "/local/jobs/", "status": 200}.items() <= line.items()
    assert "private" not in lines.getvalue()


def test_the_line_of_a_page_of_a_job_names_the_job(client: Client, connection: Connection, lines: Lines) -> None:
    job = make_job(connection)
    client.get(job.get_absolute_url())
    assert lines.of("console.frame.request_id")[0]["job_id"] == str(job.pk)


@pytest.mark.parametrize(
    ("proxies", "said", "is_taken"),
    [
        (["127.0.0.1"], "of-the-proxy.1", True),
        ([], "of-the-proxy.1", False),
        (["10.0.0.0/8"], "of-the-proxy.1", False),
        (["127.0.0.1"], "two\nlines", False),
        (["127.0.0.1"], "x" * 200, False),
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/connections/", "/aws/local/"])
def test_only_a_trusted_proxy_gives_a_request_its_id(
    client: Client, settings: Settings, proxies: list[str], said: str, is_taken: bool, path: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    response = client.get(path, headers={"X-Request-ID": said})
    assert (response["X-Request-ID"] == said) is is_taken


def test_a_call_of_aws_is_logged_without_its_parameters(local: Connection, lines: Lines) -> None:
    with log_context.logged_with(request_id="r-1"), pytest.raises(AwsError):
        s3.head_object(local.target, "no-such-bucket-of-anybody", "a-key")
    (line,) = lines.of("aws.call_log")
    assert (line["aws_service"], line["aws_operation"], line["request_id"]) == ("s3", "HeadObject", "r-1")
    assert (line["status"], line["error"], line["attempts"]) == (404, "404", 1)
    assert line["aws_request_id"]
    assert line["seconds"] >= 0
    assert "a-key" not in lines.getvalue()


def test_a_call_that_nobody_answers_is_logged_too(lines: Lines) -> None:
    nobody = Connection(region="us-east-1", endpoint_url="http://127.0.0.1:9", credentials="local").target
    with pytest.raises(AwsError):
        s3.head_object(nobody, "bucket", "key")
    assert lines.of("aws.call_log")[0]["error"] == "EndpointConnectionError"


def test_a_step_carries_the_request_that_asked_for_it(connection: Connection, lines: Lines) -> None:
    job = make_job(connection, status="Queued")
    TASKS["submit"].apply((job.pk,), headers={"request_id": "r-2"}, throw=True)
    calls = lines.of("aws.call_log")
    assert calls
    known = {"request_id": "r-2", "step_id": f"{lifecycle.submit.name}-{job.pk}", "job_id": str(job.pk)}
    assert all(known.items() <= line.items() for line in calls)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("formatter", [JsonLines(), TextFormatter()])
def test_no_secret_is_in_a_line_or_its_traceback(secret: str, formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f'"{secret}" was refused')
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "failed: %s", (secret,), (ValueError, error, None))
    record.extra_member = secret
    line = formatter.format(record)
    assert "AAAB" not in line
    assert "was refused" in line
    if isinstance(formatter, JsonLines):
        assert json.loads(line)["level"] == "ERROR"


def test_the_context_ends_with_its_block() -> None:
    with log_context.logged_with(request_id="r"):
        with log_context.logged_with(step_id="s", job_id=None):
            log_context.note(person="ada")
            assert log_context.current() == {"request_id": "r", "step_id": "s", "person": "ada"}
        assert log_context.current() == {"request_id": "r"}
    log_context.note(person="nobody")
    assert log_context.current() == {}
