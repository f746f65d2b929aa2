"""Calls to the JSON API over HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

TIMEOUT_SECONDS = 60
Send = Callable[[urllib.request.Request], tuple[int, bytes]]


class ApiError(Exception):
    """The console refused the call with the RFC 9457 ``problem``, or could not be reached (``status`` 0)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.status = status
        self.problem = problem


def send(request: urllib.request.Request) -> tuple[int, bytes]:
    """Send *request* and return the status and body of the response. Raises :class:`ApiError` if there is none."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        raise ApiError(0, {"detail": f"{request.full_url} cannot be reached: {error}"}) from error


@dataclass(frozen=True)
class Api:
    """The API of one connection of one console."""

    url: str
    key: str
    connection: str
    send: Send = send

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call *path*, relative to the connection, and return the decoded response. Raises :class:`ApiError`."""
        answer = self.read(method, path, body, **headers)
        try:
            return json.loads(answer)
        except ValueError as error:
            detail = f"{self.url} is not the address of a Batch Console: what it answers is no JSON. Check --url."
            raise ApiError(0, {"detail": detail}) from error

    def read(self, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        """Call *path* and return the raw body of the response. Raises :class:`ApiError`.

        A path that begins with a slash is relative to the API, as for the list of connections.
        """
        of_connection = path if path.startswith("/") else f"/connections/{self.connection}/{path}"
        address = f"{self.url.rstrip('/')}/api/v1{of_connection}"
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        status, answer = self.send(urllib.request.Request(address, data, sent, method=method))
        if status >= 400:
            raise ApiError(status, _problem(answer))
        return answer

    def pages(self, path: str, member: str, **query: str) -> Any:
        """Yield the items in *member* from every page of a list. Raises :class:`ApiError`."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.call("GET", f"{path}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}")
            yield from page[member]
            cursor = page["next_cursor"]


def _problem(answer: bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": answer.decode(errors="replace")[:500]}
