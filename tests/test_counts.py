"""The counts that all processes share: what is counted, what waits while Redis is away, and how Prometheus gets it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.core import Metric

from batchconsole import counts
from batchconsole.asgi import counted_refusal
from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.session import Target
from batchconsole.console.frame.metrics import counter, histogram
from batchconsole.counts import AWS_CALLS, COUNTS, MOST_SUMS, REFUSED, REQUESTS, STEP_SECONDS, Counts, count_request

Told = dict[tuple[str, ...], float]


@pytest.fixture
def waiting() -> Iterator[Callable[[], Told]]:
    """What this process has counted in the test and not written, as there is no Redis."""
    COUNTS.forget()
    yield lambda: dict(COUNTS._waiting)
    COUNTS.forget()


def samples(family: Metric) -> dict[tuple[str, str], float]:
    return {(sample.name, sample.labels.get("le", "")): sample.value for sample in family.samples}


def test_a_call_of_aws_is_counted_with_its_operation_and_code(waiting: Callable[[], Told]) -> None:
    nobody = Target(region="us-east-1", endpoint_url="http://127.0.0.1:9", credentials="local")
    with pytest.raises(AwsError):
        s3.head_object(nobody, "bucket", "key")
    assert waiting()[AWS_CALLS.name, "s3", "HeadObject"] == 1
    assert waiting()[counts.AWS_ERRORS.name, "s3", "HeadObject", "EndpointConnectionError"] == 1
    assert waiting()[counts.AWS_SECONDS.name, "s3", "HeadObject"] > 0


@pytest.mark.parametrize(
    ("path", "status", "surface", "is_refused"),
    [
        ("/local/jobs/", 200, "pages", False),
        ("/local/jobs/", 403, "pages", True),
        ("/api/v1/connections/", 429, "api", True),
        ("/aws/local/x", 503, "aws", True),
        ("/openai/local/v1/files", 500, "openai", False),
        ("/anthropic/local/v1/messages/batches", 200, "anthropic", False),
        ("/", 302, "pages", False),
        ("", 400, "pages", True),
    ],
)
def test_requests_are_counted_by_surface_and_status(
    waiting: Callable[[], Told], path: str, status: int, surface: str, is_refused: bool
) -> None:
    count_request(path, status)
    expected = {(REQUESTS.name, surface, str(status)): 1.0}
    assert waiting() == expected | ({(REFUSED.name, surface, str(status)): 1.0} if is_refused else {})


@pytest.mark.django_db
def test_an_answer_is_counted_unless_machines_ask_for_it_all_the_time(waiting: Callable[[], Told]) -> None:
    for path in ("/healthz", "/login/", "/nowhere/"):
        Client().get(path)
    assert {place for place in waiting() if place[0] == REQUESTS.name} == {
        (REQUESTS.name, "pages", "200"),
        (REQUESTS.name, "pages", "302"),
    }


def test_what_the_server_refuses_before_django_sees_it_is_counted(waiting: Callable[[], Told]) -> None:
    assert counted_refusal("/api/v1/jobs", 413, "Too large.").status == 413
    assert waiting()[REFUSED.name, "api", "413"] == 1


def test_an_odd_label_and_one_too_many_take_no_room() -> None:
    tally = Counts()
    tally.add(AWS_CALLS, "s3", "x\n" * 1000)
    for number in range(MOST_SUMS + 5):
        tally.add(AWS_CALLS, "s3", f"Operation{number}")
    assert (AWS_CALLS.name, "s3", "other") in tally._waiting
    assert len(tally._waiting) == MOST_SUMS


def test_without_redis_the_counts_wait(tmp_path: Path) -> None:
    tally = Counts()
    tally.connect(f"unix://{tmp_path / 'nobody.sock'}")
    tally.add(AWS_CALLS, "s3", "GetObject")
    tally.write(at_once=True)
    tally.add(AWS_CALLS, "s3", "GetObject")
    assert tally.read() is None
    assert tally._waiting == {(AWS_CALLS.name, "s3", "GetObject"): 2}


def test_a_forked_process_leaves_the_counts_to_its_parent(waiting: Callable[[], Told]) -> None:
    COUNTS.add(AWS_CALLS, "s3", "GetObject")
    if (child := os.fork()) == 0:
        os._exit(len(waiting()))
    assert os.waitpid(child, 0)[1] == 0
    assert len(waiting()) == 1


def test_a_counter_is_told_by_its_labels() -> None:
    family = counter(AWS_CALLS, {("s3", "GetObject"): 3, ("bedrock", "GetModelInvocationJob"): 1})
    assert sum(sample.value for sample in family.samples) == 4
    assert family.samples[0].labels == {"service": "s3", "operation": "GetObject"}
    assert family.samples[0].name == "batchconsole_aws_calls_total"


def test_a_histogram_adds_up_from_bound_to_bound() -> None:
    tally = Counts()
    for seconds in (0.05, 0.1, 0.2, 4000):
        tally.observe(STEP_SECONDS, "submit", "done", seconds=seconds)
    told = samples(histogram(STEP_SECONDS, {place[1:]: amount for place, amount in tally._waiting.items()}))
    assert told["batchconsole_step_seconds_bucket", "0.1"] == 2
    assert told["batchconsole_step_seconds_bucket", "0.5"] == told["batchconsole_step_seconds_bucket", "900"] == 3
    assert told["batchconsole_step_seconds_bucket", "+Inf"] == told["batchconsole_step_seconds_count", ""] == 4
    assert told["batchconsole_step_seconds_sum", ""] == pytest.approx(4000.35)


def test_an_address_that_only_celery_understands_is_no_error() -> None:
    tally = Counts()
    tally.connect("sentinel://host:26379")
    tally.add(AWS_CALLS, "s3", "GetObject")
    assert tally.read() is None
