"""Verbs as calls of the JSON API: what each needs to ask the console, and how it is declared as command and tool."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any
from urllib.parse import urlencode

from batchconsole.client.http import Api

Json = dict[str, Any]


class Calls:
    """Calls on one connection. Each raises ApiError."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, path: str, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value not in ("", None)}
        return self.api.call("GET", f"{path}?{urlencode(given)}" if given else path)

    def make(self, path: str, given: Json, idempotency_key: str = "") -> Json:
        return dict(self.api.call("POST", path, given, **{"Idempotency-Key": idempotency_key or uuid.uuid4().hex}))

    def post(self, path: str) -> Json:
        return dict(self.api.call("POST", path, {}) or {})

    def delete(self, path: str) -> Json:
        self.api.read("DELETE", path)
        return {}


@dataclass(frozen=True)
class Verb:
    """A function of :class:`Calls`, the command whose options are its parameters (empty: none), and what it does."""

    method: Callable[..., Any]
    command: str = ""
    only_reads: bool = False
    destroys: bool = False  # it discards something, or passes by a check or an approval
    repeats: bool = False  # a second call changes nothing more

    @property
    def name(self) -> str:
        return self.method.__name__

    def on(self, api: Api) -> Callable[..., Any]:
        """Return the verb on the connection of *api*."""
        bound: Callable[..., Any] = MethodType(self.method, Calls(api))
        return bound


Declare = Callable[[Callable[..., Any]], Callable[..., Any]]


def declare_in(verbs: list[Verb], command: str = "", **does: bool) -> Declare:
    """Return a decorator that adds a function to *verbs*, with what :class:`Verb` says of it."""

    def declare(method: Callable[..., Any]) -> Callable[..., Any]:
        verbs.append(Verb(method, command, **does))
        return method

    return declare
