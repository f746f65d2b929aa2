"""Faults on demand, to test clients of the service: what goes wrong, how often, and for which calls."""

import itertools
import random
import threading
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from batchconsole.localbedrock.errors import InternalServerException, ServiceError, ThrottlingException
from batchconsole.localbedrock.modelservers.base import ModelAway, ModelServer
from batchconsole.records.families.base import Completion, Request

Kind = Literal["throttle", "error", "slow", "lost", "model_down"]
ERRORS: dict[str, ServiceError] = {
    "throttle": ThrottlingException("Too many requests, please wait before trying again."),
    "error": InternalServerException("An internal server error occurred. Retry your request."),
}


class InjectedFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault.

    ``throttle`` returns 429 and ``error`` 500 without running the operation; ``slow`` waits ``seconds`` first; ``lost``
    runs the operation and drops the response; ``model_down`` makes the model server unreachable, for jobs too.
    ``operation`` limits the fault to one operation, ``count`` to a number of calls, ``probability`` to a share of them.
    """

    kind: Kind
    operation: str = "*"
    count: Annotated[int, Meta(ge=1)] | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    id: int = 0


class Faults:
    """The active faults. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[InjectedFault] = []
        self._ids = itertools.count(1)

    def add(self, fault: InjectedFault) -> InjectedFault:
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
            return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def all(self) -> list[InjectedFault]:
        with self._lock:
            return list(self._faults)

    def take(self, *kinds: Kind, operation: str = "*") -> list[InjectedFault]:
        """Return the faults of *kinds* that apply to this call of *operation*, and reduce their counts."""
        with self._lock:
            struck = [
                fault
                for fault in self._faults
                if fault.kind in kinds and fault.operation in ("*", operation) and random.random() < fault.probability
            ]
            for fault in struck:
                if fault.count is not None:
                    fault.count -= 1
            self._faults = [fault for fault in self._faults if fault.count != 0]
            return struck


class FaultyModel:
    """*model*, unavailable while a ``model_down`` fault is active."""

    def __init__(self, model: ModelServer, faults: Faults) -> None:
        self._model = model
        self._faults = faults

    def complete(self, request: Request, abandoned: threading.Event) -> Completion:
        """Return the model's answer. Raises :class:`ModelAway` for a fault, else whatever the model raises."""
        if self._faults.take("model_down"):
            raise ModelAway("The model server is down, as ordered.")
        return self._model.complete(request, abandoned)

    def is_up(self) -> bool:
        return not any(fault.kind == "model_down" for fault in self._faults.all()) and self._model.is_up()
