"""Errors that no view tells, in the dialect of whoever called."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.test import Client

from batchconsole.api.refusals import refuse
from batchconsole.jobs.models import Connection
from tests.api.test_json_api import JOBS
from tests.api.test_json_api import api as api
from tests.api.test_json_api import connection as connection
from tests.api.test_json_api import person as person


@pytest.mark.parametrize("status", [400, 404, 408, 411, 413, 500, 503])
@pytest.mark.parametrize(
    ("path", "content_type", "says"),
    [
        ("/aws/local/x", "application/json", "message"),
        ("/api/v1/x", "application/problem+json", "detail"),
        ("/anthropic/local/x", "application/json", "error"),
    ],
)
def test_a_refusal_speaks_the_dialect_of_its_address(path: str, content_type: str, says: str, status: int) -> None:
    refused = refuse(path, status, "It is so.")
    assert (refused.status, refused.headers["Content-Type"]) == (status, content_type)
    said = json.loads(refused.body)[says]
    assert (said["message"] if isinstance(said, dict) else said) == "It is so."
    assert {"x-amzn-RequestId", "X-Request-Id", "request-id"} & refused.headers.keys()
    assert ("Retry-After" in refused.headers) == (status == 503)


def test_a_page_is_refused_in_plain_text() -> None:
    assert refuse("/local/jobs/", 413, "It is so.").body == b"It is so.\n"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/api/", {}, 404),
        ("DELETE", JOBS, {}, 405),
        ("GET", JOBS, {"Accept": "text/html"}, 406),
        ("POST", JOBS, {"Content-Type": "text/plain"}, 415),
        ("POST", JOBS, {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ("GET", JOBS, {"Host": "evil.example.com"}, 400),
        ("GET", "/aws/", {}, 404),
        ("GET", "/aws/local", {}, 404),
        ("GET", "/aws/local/foundation-models", {"Host": "evil.example.com"}, 400),
    ],
)
def test_what_no_view_answers_is_told_in_the_dialect(
    api: Client, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    kind = headers.pop("Content-Type", "application/json")
    answer = api.generic(method, path, b"{}" if method == "POST" else b"", content_type=kind, headers=headers)
    is_aws = path.startswith("/aws/")
    assert answer.status_code == status
    assert answer["Content-Type"] == ("application/json" if is_aws else "application/problem+json")
    assert answer.json()["message" if is_aws else "detail"]
    if is_aws:
        assert answer["x-amzn-ErrorType"] == ("UnknownOperationException" if status == 404 else "ValidationException")
    else:
        assert answer.json()["instance"] == f"urn:uuid:{answer['X-Request-Id']}"
    assert answer.has_header("Allow") == (status == 405)


@contextmanager
def database_away() -> Iterator[None]:
    def fail(*_: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    with database.execute_wrapper(fail):
        yield


@pytest.mark.parametrize(
    "path",
    [
        JOBS,
        "/aws/local/model-invocation-jobs",
        "/openai/local/v1/batches",
        "/anthropic/local/v1/messages/batches",
    ],
)
def test_with_the_database_away_it_is_to_be_tried_again(api: Client, path: str) -> None:
    with database_away():
        answer = api.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "database does not answer" in str(answer.json())


def test_no_session_is_made_for_a_program(api: Client, connection: Connection) -> None:
    answer = api.get(JOBS, headers={"Cookie": "sessionid=x"})
    assert (answer.status_code, len(answer.cookies)) == (200, 0)
