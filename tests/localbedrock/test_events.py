"""State changes reach EventBridge (and a queue through a rule) and a webhook; a dead receiver delays nothing else."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchconsole.localbedrock.events import EventBridge, NoReceiver, Unreachable, event_of, tellers
from batchconsole.localbedrock.jobs import Job, Status
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.store import StateChange, Store, now
from tests.conftest import ACCOUNT, REGION, free_port
from tests.localbedrock.model_server import ModelServer, serving
from tests.localbedrock.stack import CREDENTIALS, Service, Workspace, client

ARN = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/abcdefghijkl"
MODEL_ARN = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0"
STATES = ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]
AUGUST_28 = 1_724_885_273_000  # 2024, 22:47:53 UTC


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[ModelServer]:
    with serving() as server:
        server.reply = lambda path, body: (204, b"")
        yield server


def make_job(job_id: str = "abcdefghijkl", submit_time: int = AUGUST_28) -> Job:
    return Job(
        id=job_id,
        account=ACCOUNT,
        region=REGION,
        name=f"job-{job_id}",
        model_id=MODEL_ARN,
        base_model_id="m",
        request={},
        submit_time=submit_time,
        last_modified_time=submit_time,
        expiration_time=submit_time,
        due_time=None,
    )


def test_the_event_is_aws_s() -> None:
    event = event_of(StateChange(7, "abcdefghijkl", "Failed", "Why", AUGUST_28 + 37_000), make_job())
    uuid.UUID(event.pop("id"))
    assert event == {
        "version": "0",
        "detail-type": "Batch Inference Job State Change",
        "source": "aws.bedrock",
        "account": ACCOUNT,
        "time": "2024-08-28T22:48:30Z",
        "region": REGION,
        "resources": [ARN],
        "detail": {
            "version": "0.0",
            "accountId": ACCOUNT,
            "batchJobName": "job-abcdefghijkl",
            "batchJobArn": ARN,
            "batchModelId": MODEL_ARN,
            "status": "Failed",
            "failureMessage": "Why",
            "creationTime": "Aug 28, 2024, 10:47:53 PM",
        },
    }


def test_a_change_has_the_same_id_each_time_and_another_one_another() -> None:
    changes = [StateChange(number, "abcdefghijkl", "Failed", "", 1) for number in (1, 1, 2)]
    first, again, other = (event_of(change, make_job())["id"] for change in changes)
    assert first == again != other


def test_a_rule_of_eventbridge_puts_every_state_into_a_queue(
    aws_endpoint: str, service: Service, workspace: Workspace
) -> None:
    sqs, events = client("sqs", aws_endpoint), client("events", aws_endpoint)
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = f"job-{uuid.uuid4().hex}"
    pattern = {"source": ["aws.bedrock"], "detail": {"batchJobName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn}])
    workspace.run(service.client(), workspace.put_records(2), jobName=name)
    found: list[dict[str, Any]] = []
    while len(found) < len(STATES):
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        found += [json.loads(message["Body"]) for message in messages]
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    assert sorted(event["detail"]["status"] for event in found) == sorted(STATES)
    assert {event["detail-type"] for event in found} == {"Batch Inference Job State Change"}


# A store whose changes are sent


class Told:
    """Tellers for the store in *folder*, which is created if it does not exist."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.store = Store(folder / "jobs.sqlite3")
        self._tellers = tellers(Settings(**settings), self.store)

    def __enter__(self) -> "Told":
        for teller in self._tellers:
            teller.start()
        return self

    def __exit__(self, *_: object) -> None:
        for teller in self._tellers:
            teller.close()
        self.store.close()


def statuses(receiver: ModelServer, count: int) -> list[str]:
    """Wait until *receiver* has *count* requests, at most 20 seconds, and return the statuses posted to it."""
    deadline = time.monotonic() + 20
    while len(receiver.requests) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return [body["detail"]["status"] for _, body, _ in receiver.requests]


def test_a_webhook_gets_every_change_in_order(receiver: ModelServer, tmp_path: Path) -> None:
    with Told(tmp_path, webhook_url=f"{receiver.url}/hook") as told:
        told.store.add(make_job(submit_time=now()), {}, limit=1)
        told.store.move("abcdefghijkl", to=Status.VALIDATING, only_from=[Status.SUBMITTED])
        told.store.move("abcdefghijkl", to=Status.FAILED, only_from=[Status.VALIDATING], message="Why")
        assert statuses(receiver, 3) == ["Submitted", "Validating", "Failed"]
    path, body, headers = receiver.requests[-1]
    assert (path, body["detail"]["failureMessage"], headers["content-type"]) == ("/hook", "Why", "application/json")


def test_a_change_is_told_again_until_the_webhook_takes_it(receiver: ModelServer, tmp_path: Path) -> None:
    replies = iter([(500, b""), (302, b"")])
    receiver.reply = lambda path, body: next(replies, (200, b""))
    with Told(tmp_path, webhook_url=receiver.url) as told:
        told.store.add(make_job(submit_time=now()), {}, limit=1)
        assert statuses(receiver, 3) == ["Submitted"] * 3
    assert len({body["id"] for _, body, _ in receiver.requests}) == 1


def test_what_was_not_told_before_an_end_is_told_after_it(receiver: ModelServer, tmp_path: Path) -> None:
    with Told(tmp_path, webhook_url=f"http://127.0.0.1:{free_port()}") as told:
        told.store.add(make_job(submit_time=now()), {}, limit=1)
        time.sleep(0.3)
    with Told(tmp_path, webhook_url=receiver.url):
        assert statuses(receiver, 1) == ["Submitted"]


def test_what_happened_before_there_was_a_webhook_is_not_told(receiver: ModelServer, tmp_path: Path) -> None:
    with Told(tmp_path) as told:
        told.store.add(make_job("of-before", now()), {}, limit=1)
    with Told(tmp_path, webhook_url=receiver.url) as told:
        told.store.add(make_job(submit_time=now()), {}, limit=2)
        assert statuses(receiver, 1) == ["Submitted"]
    assert receiver.requests[0][1]["resources"] == [ARN]


def test_a_change_of_more_than_a_day_ago_is_given_up(receiver: ModelServer, tmp_path: Path) -> None:
    with Told(tmp_path, webhook_url=receiver.url) as told:
        told.store.add(make_job("of-last-year"), {}, limit=1)
        told.store.add(make_job(submit_time=now()), {}, limit=2)
        statuses(receiver, 1)
    assert [body["resources"] for _, body, _ in receiver.requests] == [[ARN]]


def test_a_receiver_that_hangs_holds_no_job_up(
    aws_endpoint: str, workspace: Workspace, receiver: ModelServer, tmp_path: Path
) -> None:
    hang = threading.Event()
    receiver.reply = lambda path, body: (hang.wait(30), (200, b""))[1]
    options = ("--min-records-per-job", "1", "--webhook-url", receiver.url, "--events-endpoint-url", "none")
    service = Service(tmp_path, aws_endpoint, *options)
    try:
        service.wait_until_ready()
        assert workspace.run(service.client(), workspace.put_records(2))["status"] == "Completed"
        assert len(receiver.requests) == 1
    finally:
        hang.set()
        service.stop()


# An EventBridge other than the project's


def put_events(url: str) -> None:
    EventBridge(url).tell([event_of(StateChange(1, "a", "Failed", "", 1), make_job())])


def test_an_eventbridge_that_takes_no_source_of_aws_gets_one_of_our_own(keys: None, receiver: ModelServer) -> None:
    refusal = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "NotAuthorizedForSourceException"}]}
    replies = iter([(200, refusal)])
    receiver.reply = lambda path, body: next(replies, (200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}))
    put_events(receiver.url)
    assert [body["Entries"][0]["Source"] for _, body, _ in receiver.requests] == ["aws.bedrock", "local.bedrock"]


@pytest.mark.parametrize(
    ("status", "error"), [(404, NoReceiver), (400, NoReceiver), (501, NoReceiver), (503, Unreachable)]
)
def test_an_address_without_an_eventbridge_is_told_apart_from_one_that_is_away(
    keys: None, receiver: ModelServer, status: int, error: type[Exception]
) -> None:
    receiver.reply = lambda path, body: (status, b"<html>no</html>")
    with pytest.raises(error):
        put_events(receiver.url)


def test_an_eventbridge_that_is_away_is_unreachable(keys: None) -> None:
    with pytest.raises(Unreachable):
        put_events(f"http://127.0.0.1:{free_port()}")
