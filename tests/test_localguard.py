"""Which requests the local stack accepts, and which it refuses because only a web page would send them."""

from pathlib import Path
from typing import Any

import pytest

from batchconsole.localguard import Guard, Rules, find_refusal, keep_token
from tests.running import run_coroutine

RULES = Rules(
    hosts=frozenset({"bedrock.test"}),
    origins=frozenset({"http://app.test"}),
    open_paths=frozenset({"/_ministack/health"}),
    token="a-token",
    takes_json_only=True,
)


def scope(method: str = "GET", path: str = "/", host: str = "127.0.0.1:4567", **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"host": host}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }


def status(rules: Rules = RULES, **request: str) -> int:
    refusal = find_refusal(rules, scope(**request))
    return refusal.status if refusal else 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:4567", "127.8.8.8", "[::1]:4567", "localhost:1", "bucket.localhost", "Bedrock.Test"],
)
def test_loopback_and_the_names_that_are_set_are_answered(host: str) -> None:
    assert status(host=host) == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "notlocalhost", "10.0.0.1", "[", "a@b:x",
     "evil.example@127.0.0.2.example"],
)  # fmt: skip
def test_other_host_names_are_refused(host: str) -> None:
    assert status(host=host) == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:8000", "http://127.0.0.1:8000", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_pages_of_other_origins_are_refused(method: str, origin: str) -> None:
    assert status(method=method, origin=origin) == 403


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4567", "http://app.test"])
def test_its_own_origin_and_those_that_are_set_are_answered(origin: str) -> None:
    assert status(method="POST", origin=origin, content_type="application/json") == 200


@pytest.mark.parametrize(
    ("site", "method", "expected"),
    [
        ("cross-site", "GET", 403),
        ("cross-site", "POST", 403),
        ("same-site", "POST", 403),
        ("same-site", "GET", 200),
        ("same-origin", "POST", 200),
        ("none", "GET", 200),
    ],
)
def test_the_browser_s_word_on_the_site_counts(site: str, method: str, expected: int) -> None:
    assert status(method=method, sec_fetch_site=site) == expected


@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "TEXT/PLAIN"])
def test_what_a_form_can_send_is_no_json(kind: str) -> None:
    assert status(method="POST", content_type=kind) == 415
    assert status(Rules(), method="POST", content_type=kind) == 200


@pytest.mark.parametrize("kind", ["application/json", "application/x-amz-json-1.1", "application/octet-stream"])
def test_what_aws_clients_send_is_let_in(kind: str) -> None:
    assert status(method="POST", content_type=kind) == 200


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer another", "a-tokenx", "Bearer ümlaut"])
def test_control_paths_are_closed_without_the_token(authorization: str) -> None:
    assert status(path="/_ministack/reset", method="POST", authorization=authorization) == 403


def test_control_paths_open_with_the_token_and_health_without() -> None:
    assert status(path="/_localbedrock/faults", method="POST", authorization="Bearer a-token") == 200
    assert status(path="/_ministack/health") == 200


def test_without_a_token_nothing_opens_them() -> None:
    assert status(Rules(), path="/_ministack/reset", method="POST", authorization="Bearer ") == 403


@pytest.mark.parametrize(("kind", "first"), [("http", "http.response.start"), ("websocket", "websocket.close")])
def test_what_is_refused_does_not_reach_the_service(kind: str, first: str) -> None:
    sent: list[dict[str, Any]] = []

    async def app(*_: Any) -> None:
        raise AssertionError("It was let in.")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    run_coroutine(Guard(app, RULES)(scope(host="evil.example") | {"type": kind}, send, send))
    assert sent[0]["type"] == first


def test_the_token_stays_and_is_its_owner_s(tmp_path: Path) -> None:
    token = keep_token(tmp_path)
    assert (keep_token(tmp_path), len(token) > 30) == (token, True)
    assert (tmp_path / "control-token").stat().st_mode & 0o077 == 0
