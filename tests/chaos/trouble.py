"""What goes wrong during a run: processes killed or frozen, connections cut, and faults of the local Bedrock."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import requests
from django.db import Error, connection

from tests.chaos.stack import UP, Stack
from tests.localbedrock.stack import control_headers

# How often each is killed, compared with the others. The supervisor gives up at five deaths of one within a minute.
WEIGHTS = {"web": 4, "control": 5, "scan": 5, "beat": 1, "redis": 2, "aws": 3, "bedrock": 4, UP: 1}
MOST_DEATHS, WITHIN_SECONDS = 3, 60
LONGEST_FREEZE = 3.0
CREATE, STOP, LIST = "CreateModelInvocationJob", "StopModelInvocationJob", "ListModelInvocationJobs"
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "throttle", "operation": "*", "probability": 0.2},
    {"kind": "throttle", "operation": CREATE, "probability": 0.5},
    {"kind": "error", "operation": "*", "probability": 0.2},
    {"kind": "lost", "operation": CREATE, "probability": 0.5},
    {"kind": "lost", "operation": STOP, "probability": 0.7},
    {"kind": "slow", "operation": LIST, "probability": 0.5, "seconds": 1.0},
    {"kind": "model_down", "operation": "*", "probability": 0.01},
)
STRIKES = 20  # of one fault, before the next ones are set
ARM_SECONDS = 3.0


class Trouble(threading.Thread):
    """Does harm to *stack* until it is stopped; about *pause* seconds between two deeds."""

    def __init__(self, stack: Stack, rng: random.Random, *, pause: float) -> None:
        super().__init__(daemon=True, name="trouble")
        self.stack, self.rng, self.pause = stack, rng, pause
        self.kills: Counter[str] = Counter()
        self.freezes = self.cuts = self.faults = 0
        self._deaths: dict[str, list[float]] = {}
        self._armed: list[dict[str, Any]] = []
        self._armed_at = 0.0
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop, and take the faults back."""
        self._stopping.set()
        self.join()
        with contextlib.suppress(requests.RequestException, OSError):
            self._count_strikes()
            self._control("DELETE")

    def run(self) -> None:
        deeds: list[tuple[Callable[[], None], int]] = [(self._kill, 10), (self._freeze, 2), (self._cut, 1)]
        while not self._stopping.wait(self.rng.uniform(0.5, 1.5) * self.pause):
            with contextlib.suppress(requests.RequestException, OSError):
                self._arm()
            self.rng.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]()
            self.stack.start()  # if `up` has ended

    def _kill(self) -> None:
        now = time.monotonic()
        self._deaths = {name: [at for at in times if at > now - WITHIN_SECONDS] for name, times in self._deaths.items()}
        allowed = [name for name in WEIGHTS if len(self._deaths.get(name, [])) < MOST_DEATHS]
        name = self.rng.choices(allowed, [WEIGHTS[each] for each in allowed])[0]
        if self.stack.kill(name, child=name in ("web", "scan") and self.rng.random() < 0.5):
            self.kills[name] += 1
            self._deaths.setdefault(name, []).append(now)

    def _freeze(self) -> None:
        """Let one of the services answer nothing for a while: a slow S3, or a slow Bedrock."""
        process = self.stack.find(self.rng.choice(["aws", "aws", "bedrock", "redis"]))
        if process is None:
            return
        with contextlib.suppress(psutil.Error):
            process.suspend()
            self.freezes += 1
            self._stopping.wait(self.rng.uniform(0.5, LONGEST_FREEZE))
            process.resume()

    def _cut(self) -> None:
        """Cut every connection to PostgreSQL, as its restart does."""
        if connection.vendor != "postgresql":
            return
        with contextlib.suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            self.cuts += 1
        connection.close()

    def _arm(self) -> None:
        """Set other faults now and then; a Bedrock that was killed has forgotten those it had."""
        if time.monotonic() - self._armed_at < ARM_SECONDS:
            return
        self._armed_at = time.monotonic()
        self._count_strikes()
        self._control("DELETE")
        for fault in self.rng.sample(FAULTS, 4):
            self._control("POST", fault | {"count": STRIKES})
            self._armed.append(fault)

    def _count_strikes(self) -> None:
        left = sum(fault["count"] for fault in self._control("GET").json())
        armed, self._armed = len(self._armed), []
        self.faults += max(0, armed * STRIKES - left) if left else 0

    def _control(self, method: str, body: dict[str, Any] | None = None) -> requests.Response:
        url = f"{self.stack.bedrock_url}/_localbedrock/faults"
        headers = control_headers(self.stack.folder / "bedrock")
        answer = requests.request(method, url, json=body, headers=headers, timeout=5)
        answer.raise_for_status()
        return answer
