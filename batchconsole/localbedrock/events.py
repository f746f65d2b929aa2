"""Announce state changes: send AWS's EventBridge event to an EventBridge endpoint, and the same event to a webhook.

The database stores each change in the transaction that makes it. Each channel has its own thread and its own position
in the changes, so no receiver delays a job or the other receiver. A change is sent at least once and in order, and
given up after a day or repeated refusals. The event:
https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-eventbridge-how-it-works.html
"""

import datetime
import logging
import threading
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import botocore.session
import msgspec
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchconsole.localbedrock.jobs import Job
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.store import StateChange, Store, now

log = logging.getLogger(__name__)

SOURCE, DETAIL_TYPE = "aws.bedrock", "Batch Inference Job State Change"
# EventBridge accepts sources of AWS only from AWS. This project's local AWS accepts them with the header.
OWN_SOURCE, EMITTER_HEADER = "local.bedrock", "x-localbedrock-emitter"
NOT_ALLOWED = "NotAuthorizedForSourceException"
AT_ONCE = 10  # The most events that PutEvents accepts.
LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
SECONDS = 10.0  # The timeout of one call.
GIVEN_UP_AFTER = 24 * 3_600_000
REFUSALS_OF_ONE_EVENT = 8
OK, REDIRECTS, SERVER_FAULTS, NOT_IMPLEMENTED = 200, 300, 500, 501
CLOSE_SECONDS = 1.0
NOWHERE = "none"
_NAMESPACE = uuid.UUID("0c3d9c52-54a3-4a0f-9a52-0f5c2ad6f3b1")


class Unreachable(Exception):
    """The receiver is unreachable or failing; a retry may succeed."""


class Refused(Exception):
    """The receiver refused the event."""


class NoReceiver(Exception):
    """The endpoint offers no such service or refuses all calls."""


class Channel(Protocol):
    """A receiver of events, which takes at most ``at_once`` events per call."""

    name: str
    at_once: int

    def tell(self, events: Sequence[dict[str, Any]]) -> None:
        """Send *events*. Raises :class:`Unreachable`, :class:`Refused` or :class:`NoReceiver`."""


def event_of(change: StateChange, job: Job) -> dict[str, Any]:
    """Return AWS's event for *change*. Its ``id`` is always the same, so a receiver can drop duplicates."""
    return {
        "version": "0",
        "id": str(uuid.uuid5(_NAMESPACE, f"{job.id}/{change.number}")),
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": job.account,
        "time": _moment(change.time).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": job.region,
        "resources": [job.arn],
        "detail": {
            "version": "0.0",
            "accountId": job.account,
            "batchJobName": job.name,
            "batchJobArn": job.arn,
            "batchModelId": job.model_id,
            "status": change.status,
            "failureMessage": change.message,
            "creationTime": _in_words(_moment(job.submit_time)),
        },
    }


def _moment(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _in_words(moment: datetime.datetime) -> str:
    """Format *moment* as in the detail of AWS's event: ``Aug 28, 2024, 10:47:53 PM``."""
    return f"{moment:%b} {moment.day}, {moment:%Y}, {moment.hour % 12 or 12}:{moment:%M:%S %p}"


class EventBridge:
    """The default event bus of the EventBridge at *url*, called with the credentials of this process."""

    name = "eventbridge"
    at_once = AT_ONCE

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: dict[str, Any] = {}
        self._source = SOURCE

    def tell(self, events: Sequence[dict[str, Any]]) -> None:
        region = events[0]["region"]
        same = [event for event in events if event["region"] == region]
        self._put(region, same)
        if len(same) < len(events):
            self.tell([event for event in events if event["region"] != region])

    def _put(self, region: str, events: Sequence[dict[str, Any]]) -> None:
        failed = self._failures(region, [self._entry(event) for event in events])
        if failed and failed[0] == NOT_ALLOWED and self._source == SOURCE:
            log.warning("The EventBridge at %s takes no events of %s; %s it is.", self._url, SOURCE, OWN_SOURCE)
            self._source = OWN_SOURCE
            failed = self._failures(region, [self._entry(event) for event in events])
        if failed:
            raise Refused(f"PutEvents answered {failed[0]}")

    def _entry(self, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "Source": self._source,
            "DetailType": event["detail-type"],
            "Resources": event["resources"],
            "Time": event["time"],
            "Detail": msgspec.json.encode(event["detail"]).decode(),
        }

    def _failures(self, region: str, entries: list[dict[str, Any]]) -> list[str]:
        try:
            answer = self._client(region).put_events(Entries=entries)
        except ClientError as error:
            raise _kind_of(error)(str(error)) from error
        except BotoCoreError as error:
            raise Unreachable(str(error)) from error
        return [entry["ErrorCode"] for entry in answer.get("Entries", []) if entry.get("ErrorCode")]

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=SECONDS, read_timeout=SECONDS)
            session = botocore.session.Session()
            client = session.create_client("events", region_name=region, endpoint_url=self._url, config=config)
            client.meta.events.register("before-call.eventbridge.PutEvents", _mark)
            self._clients[region] = client
        return self._clients[region]


def _mark(params: dict[str, Any], **_: Any) -> None:
    params["headers"][EMITTER_HEADER] = SOURCE


def _kind_of(error: ClientError) -> type[Exception]:
    code, status = error.response["Error"].get("Code", ""), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if status == NOT_IMPLEMENTED:
        return NoReceiver
    if status >= SERVER_FAULTS or "Throttl" in code or "TooManyRequests" in code:
        return Unreachable
    return NoReceiver


class Webhook:
    """A URL to which every event is posted as JSON; any 2xx response confirms it."""

    name = "webhook"
    at_once = 1

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=SECONDS)

    def tell(self, events: Sequence[dict[str, Any]]) -> None:
        body, headers = msgspec.json.encode(events[0]), {"content-type": "application/json"}
        try:
            status = self._http.request("POST", self._url, body=body, headers=headers).status
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        if not OK <= status < REDIRECTS:
            raise Refused(f"the webhook answered {status}")


class Teller:
    """Sends the state changes in *store* to *channel* in a thread of its own, from where the last run stopped."""

    def __init__(self, channel: Channel, store: Store) -> None:
        self._channel = channel
        self._store = store
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=channel.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        pause, refusals = FIRST_PAUSE_SECONDS, 0
        while not self._closing.is_set():
            try:
                is_more = self._tell_some(give_up=refusals >= REFUSALS_OF_ONE_EVENT)
                pause, refusals = FIRST_PAUSE_SECONDS, 0
                self._closing.wait(0 if is_more else LOOK_SECONDS)
                continue
            except NoReceiver as error:
                log.warning("No state changes go to %s until the next start: %s", self._channel.name, error)
                return
            except Refused as error:
                refusals += 1
                log.warning("A state change was refused, trying again in %.1f s: %s", pause, error)
            except Unreachable as error:
                log.warning("%s is away, trying again in %.1f s: %s", self._channel.name, pause, error)
            except Exception:
                if self._closing.is_set():  # the store may be closed too
                    return
                # The thread must not end, or no further changes would be sent.
                log.exception("Telling %s of a state change failed", self._channel.name)
            self._closing.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _tell_some(self, *, give_up: bool) -> bool:
        """Send the next changes, or skip them if *give_up*, and say whether there were any."""
        changes = self._store.changes_to_tell(self._channel.name, limit=self._channel.at_once)
        if not changes:
            return False
        fresh = [change for change in changes if change.time > now() - GIVEN_UP_AFTER]
        jobs = {change.job_id: self._store.get(change.job_id) for change in fresh}
        events = [event_of(change, job) for change in fresh if (job := jobs[change.job_id])]
        if events and not give_up:
            self._channel.tell(events)
        self._store.told(self._channel.name, changes[-1].number)
        return True


def tellers(settings: Settings, store: Store) -> list[Teller]:
    """Return a teller for each configured receiver. A receiver no longer configured loses its position."""
    channels: list[Channel] = []
    if (bus := settings.events_endpoint_url or settings.aws_endpoint_url or NOWHERE) != NOWHERE:
        channels.append(EventBridge(bus))
    if settings.webhook_url:
        channels.append(Webhook(settings.webhook_url))
    store.keep_places([channel.name for channel in channels])
    return [Teller(channel, store) for channel in channels]
