"""What a model server is to the rest of the service, and the two ways it can fail."""

import threading
from typing import Protocol

from batchconsole.records.families.base import Completion, Request


class RecordRefused(Exception):
    """The model will never answer this request; ``code`` and the message go into the record's error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModelAway(Exception):
    """The server is down, overloaded or too slow. Not the request's fault: to be tried again."""


class ModelFailed(ModelAway):
    """The server failed at this request. Whether the request or the server is to blame shows in :meth:`is_up`."""


class Abandoned(Exception):
    """Nobody wants the answer any more."""


class ModelServer(Protocol):
    """Answers one request at a time; called from many threads."""

    def complete(self, request: Request, abandoned: threading.Event) -> Completion:
        """The model's answer. Raises :class:`RecordRefused`, :class:`ModelAway` or, if it can, :class:`Abandoned`."""

    def is_up(self) -> bool:
        """Whether the server answers a harmless request."""
