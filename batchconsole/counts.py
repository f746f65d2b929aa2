"""Counts of all processes together: calls of AWS, steps and requests, which /metrics of any web process tells.

Webs and workers are processes of several hosts, and workers answer no HTTP. The multiprocess mode of prometheus_client
would count within one host only, in files that outlive their processes; rows of the database would be written with each
request. So each process adds up in memory and, at most once a second, adds its sums to one hash in Redis, which all
processes reach anyway. If Redis is away the sums wait, and if it loses them Prometheus sees a counter begin anew.
Independent of Django, because calls of AWS are counted where Django is unknown.
"""

import json
import os
import re
import time
from bisect import bisect_left
from dataclasses import dataclass
from threading import Lock

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY = "batchconsole:counts"
NOT_THERE = (redis.RedisError, OSError, ValueError)  # the last for an address that only Celery understands
PAUSE_SECONDS, AWAY_SECONDS = 1, 30  # between two writes; after one that failed
TIMEOUT_SECONDS = 0.5
MOST_SUMS = 5_000  # labels come from AWS, paths and steps, so there are some hundreds
LABEL = re.compile(r"[A-Za-z0-9._ -]{1,64}")
SURFACES = frozenset({"anthropic", "api", "aws", "openai", "static"})


@dataclass(frozen=True)
class Count:
    """What is counted, as Prometheus names it without ``_total``, and its labels; with *bounds*, a histogram."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


AWS_CALLS = Count("batchconsole_aws_calls", "Calls of AWS", ("service", "operation"))
AWS_ERRORS = Count(
    "batchconsole_aws_errors", "Calls of AWS that failed, by AWS's code", ("service", "operation", "code")
)
AWS_SECONDS = Count("batchconsole_aws_call_seconds", "Seconds that calls of AWS took", ("service", "operation"))
REQUESTS = Count("batchconsole_requests", "Answers to requests", ("surface", "status"))
REFUSED = Count("batchconsole_refused_requests", "Requests refused with 4xx or 503", ("surface", "status"))
STEP_SECONDS = Count(
    "batchconsole_step_seconds",
    "Seconds that workers' steps took",
    ("step", "outcome"),
    bounds=(0.1, 0.5, 1, 5, 15, 60, 300, 900, float("inf")),
)
ALL = (AWS_CALLS, AWS_ERRORS, AWS_SECONDS, REQUESTS, REFUSED, STEP_SECONDS)
Sums = dict[tuple[str, ...], float]  # by the name of the count and the values of its labels; histograms have one more


class Counts:
    """The sums of this process that are not in Redis yet, and the way there."""

    def __init__(self) -> None:
        self._url = ""
        self._client: redis.Redis | None = None
        self.forget()

    def forget(self) -> None:
        """Drop what was counted: a forked process leaves that to its parent, with the parent's lock."""
        self._lock = Lock()
        self._waiting: Sums = {}
        self._next_at = 0.0

    def connect(self, url: str) -> None:
        """Write to the Redis at *url* from now on."""
        self._url, self._client, self._next_at = url, None, 0.0

    def add(self, count: Count, *labels: str, amount: float = 1) -> None:
        """Add *amount* to *count* with the values of its *labels*."""
        self._add({(count.name, *map(_label, labels)): amount})

    def observe(self, count: Count, *labels: str, seconds: float) -> None:
        """Add one value to a histogram."""
        place = (count.name, *map(_label, labels))
        bound = count.bounds[bisect_left(count.bounds, seconds)]
        self._add({(*place, str(bound)): 1, (*place, "sum"): seconds})

    def _add(self, sums: Sums) -> None:
        with self._lock:
            for place, amount in sums.items():
                if place in self._waiting or len(self._waiting) < MOST_SUMS:
                    self._waiting[place] = self._waiting.get(place, 0) + amount

    def write(self, *, at_once: bool = False) -> None:
        """Add the sums to those in Redis, at most once a second unless *at_once*; without Redis they wait."""
        now = time.monotonic()
        with self._lock:
            is_due = now >= self._next_at or (at_once and now >= self._next_at - PAUSE_SECONDS)
            if not self._waiting or not self._url or not is_due:
                return
            sums, self._waiting = self._waiting, {}
            self._next_at = now + PAUSE_SECONDS
        try:
            with self._redis().pipeline() as pipe:
                for place, amount in sums.items():
                    pipe.hincrbyfloat(KEY, json.dumps(place), amount)
                pipe.execute()
        except NOT_THERE:
            self._next_at = now + AWAY_SECONDS
            self._add(sums)  # twice, if only the answer was lost

    def read(self) -> Sums | None:
        """Return the sums of all processes; None without Redis.

        What only this process knows is left out: a sum that is smaller next time would look like one that began anew.
        """
        self.write(at_once=True)
        try:
            stored = self._redis().hgetall(KEY) if self._url else None
        except NOT_THERE:
            return None
        return None if stored is None else {tuple(json.loads(field)): float(amount) for field, amount in stored.items()}

    def _redis(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                self._url,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),  # a request waits for this
            )
        return self._client


def _label(value: str) -> str:
    return value if LABEL.fullmatch(value) else "other"


COUNTS = Counts()
os.register_at_fork(after_in_child=COUNTS.forget)


def count_call(service: str, operation: str, *, seconds: float, error: str = "") -> None:
    """Count a call of AWS; *error* is AWS's code or the name of the exception."""
    COUNTS.add(AWS_CALLS, service, operation)
    COUNTS.add(AWS_SECONDS, service, operation, amount=seconds)
    if error:
        COUNTS.add(AWS_ERRORS, service, operation, error)


def count_request(path: str, status: int) -> None:
    """Count the answer to a request, by the first part of its path where that is an API's, else as one of pages."""
    first = path.split("/")[1:2]
    surface = first[0] if first and first[0] in SURFACES else "pages"
    COUNTS.add(REQUESTS, surface, str(status))
    if 400 <= status < 500 or status == 503:
        COUNTS.add(REFUSED, surface, str(status))
