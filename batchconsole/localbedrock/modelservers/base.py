"""The interface of a model server to the rest of the service, and its errors."""

import threading
from typing import Protocol

from batchconsole.records.families.base import Completion, Request


class RecordRefused(Exception):
    """The model will never answer this request; ``code`` and the message become the record's error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModelAway(Exception):
    """The server is down, overloaded or too slow. The request is not at fault and should be retried."""


class ModelFailed(ModelAway):
    """The server failed on this request. :meth:`ModelServer.is_up` shows whether the server itself is at fault."""


class Abandoned(Exception):
    """The answer is no longer needed."""


class ModelServer(Protocol):
    """A model server. Thread-safe; each call answers one request."""

    def complete(self, request: Request, abandoned: threading.Event) -> Completion:
        """Return the model's answer. Raises :class:`RecordRefused`, :class:`ModelAway` or :class:`Abandoned`."""

    def is_up(self) -> bool:
        """Whether the server answers a harmless request."""
