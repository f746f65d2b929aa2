"""Calls of a page are given up early, tried once, made at once, and so many of them may wait and no more."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from batchconsole.aws import patience, s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.patience import all_of, at_once, page_calls
from batchconsole.aws.session import Target, client
from tests.conftest import REGION
from tests.hanging import Hanging, hanging_endpoint


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    with hanging_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def target(hanging: Hanging) -> Target:
    return Target(region=REGION, endpoint_url=hanging.url, credentials="local")


def test_a_page_waits_seconds_and_tries_once(target: Target) -> None:
    with page_calls():
        config = client(target, "s3").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 8)
    assert config.retries["total_max_attempts"] == 1


def test_a_worker_has_more_patience(target: Target) -> None:
    config = client(target, "s3").meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (60, 3)


def test_questions_are_asked_at_once(hanging: Hanging, target: Target) -> None:
    questions = [partial(s3.list_objects, target, f"bucket-{number}") for number in range(3)]
    answers: list[object] = []

    def ask() -> None:
        with page_calls():
            answers.extend(at_once(questions))

    asking = threading.Thread(target=ask)
    asking.start()
    assert hanging.wait_for(3)
    assert answers == []
    hanging.release()
    asking.join()
    assert [type(answer) for answer in answers] == [AwsError] * 3


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert at_once([lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]


def test_the_first_that_failed_is_raised() -> None:
    def fail() -> int:
        raise AwsError("No.", code="AccessDenied", operation="ListObjectsV2")

    with pytest.raises(AwsError, match="No"):
        all_of([lambda: 1, fail])


def test_so_many_requests_may_wait_and_the_next_is_refused_unasked(
    hanging: Hanging, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SECONDS_FOR_A_PLACE", 0)

    def ask() -> None:
        with page_calls(), pytest.raises(AwsError):
            s3.list_objects(target, "bucket")

    waiting = [threading.Thread(target=ask) for _ in range(patience.MOST_REQUESTS)]
    for thread in waiting:
        thread.start()
    assert hanging.wait_for(patience.MOST_REQUESTS)
    with page_calls(), pytest.raises(AwsError) as refused:
        s3.list_objects(target, "bucket")
    assert refused.value.code == "EndpointBusy"
    assert len(hanging.asked) == patience.MOST_REQUESTS
    hanging.release()
    for thread in waiting:
        thread.join()


def test_a_request_takes_one_place_for_all_its_calls_and_gives_it_back(target: Target) -> None:
    for _ in range(2):
        with page_calls():
            for _ in range(patience.MOST_REQUESTS + 1):
                client(target, "s3")
            assert at_once([partial(client, target, "s3")] * 3)
