"""The bridge between web server and Django: limits for slow and greedy clients, and plain WSGI for the rest."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from batchconsole.api.refusals import refuse
from batchconsole.bridge import Bridge, BridgeLimits, header_variables
from tests.running import run_coroutine

LIMITS = BridgeLimits(pages=2, streams=2, buffered_bytes=1000, held_bytes=3000, idle_seconds=0.2, grace_seconds=0.2)
UPLOADS = 1_000_000


class Browser:
    """A client with one request, which keeps the response messages it gets."""

    def __init__(self, *pieces: bytes, path: str = "/", length: int | None = None, **scope: Any) -> None:
        self.pieces = list(pieces)
        self.sent: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()
        headers = [] if length is None else [(b"content-length", str(length).encode())]
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": headers} | scope

    async def receive(self) -> dict[str, Any]:
        if not self.pieces:
            await asyncio.sleep(3600)  # it sends no more
        piece = self.pieces.pop(0)
        if piece == b"GONE":
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    async def send(self, message: dict[str, Any]) -> None:
        await self.takes.wait()
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"]) if self.sent else 0

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"].encode(), b" ", str(len(body)).encode()]


def large(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [])
    return (b"x" * 600 for _ in range(10))


def unreached(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    raise AssertionError("The request was refused, and yet computed.")


def bridge(app: Any = echo) -> Bridge:
    return Bridge(app, limit_of=lambda path: UPLOADS if path == "/upload/" else 0, refuse=refuse, limits=LIMITS)


def exchange(browser: Browser, app: Any = echo) -> Browser:
    run_coroutine(together(bridge(app), browser))
    return browser


async def together(served: Bridge, *browsers: Browser) -> None:
    await asyncio.gather(*(served(browser.scope, browser.receive, browser.send) for browser in browsers))


def test_it_works() -> None:
    browser = exchange(Browser(b"abc", b"", length=3))
    assert (browser.status, browser.body) == (200, b"POST 3")
    assert browser.sent[0]["headers"] == [(b"content-type", b"text/plain")]


def test_a_body_without_a_length_is_given_one() -> None:
    assert exchange(Browser(b"abc", b"de", b"")).body == b"POST 5"


def test_half_a_body_takes_no_thread_and_is_answered_408() -> None:
    browsers = [Browser(b"half", length=100) for _ in range(60)]
    whole = Browser(b"abc", b"", length=3)
    order: list[Browser] = []

    async def run() -> None:
        served = bridge()

        async def finish(browser: Browser) -> None:
            await served(browser.scope, browser.receive, browser.send)
            order.append(browser)

        await asyncio.gather(*map(finish, [*browsers, whole]))

    run_coroutine(run())
    assert (order[0], whole.body) == (whole, b"POST 3")
    assert {browser.status for browser in browsers} == {408}


def test_a_large_body_is_refused_unread_where_no_files_are_taken() -> None:
    browser = exchange(Browser(b"x" * 600, path="/login/", length=5000))
    assert (browser.status, len(browser.pieces)) == (413, 1)
    assert browser.body == b"The request is too large: 5000 bytes, and at most 1000 are taken here.\n"


def test_a_large_body_of_untold_length_is_refused() -> None:
    assert exchange(Browser(*[b"x" * 600] * 3, b"")).status == 411


def test_files_are_read_as_they_arrive_where_they_are_taken() -> None:
    assert exchange(Browser(*[b"x" * 600] * 3, b"", path="/upload/", length=1800)).body == b"POST 1800"


def test_more_than_a_view_takes_is_refused() -> None:
    assert exchange(Browser(b"x", path="/upload/", length=UPLOADS + 1)).status == 413


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 30, b""])
def test_an_odd_length_is_refused(length: bytes) -> None:
    assert exchange(Browser(b"", headers=[(b"content-length", length)])).status == 400


@pytest.mark.parametrize("pieces", [[b"x" * 600], [b"x" * 600, b"GONE"]], ids=["stops", "goes away"])
def test_an_upload_that_breaks_off_is_an_error_of_reading(pieces: list[bytes]) -> None:
    caught: list[BaseException] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            caught.append(error)
        start_response("400 Bad Request", [])
        return [b""]

    exchange(Browser(*pieces, path="/upload/", length=1800), app)
    assert len(caught) == 1


def test_too_much_held_at_once_is_refused() -> None:
    browsers = [Browser(b"x" * 900, length=1000) for _ in range(6)]
    run_coroutine(together(bridge(), *browsers))
    assert sorted(browser.status for browser in browsers) == [408, 408, 408, 503, 503, 503]


def test_a_large_answer_arrives_whole() -> None:
    assert exchange(Browser(b""), large).body == b"x" * 6000


def test_stalled_downloads_hold_up_no_page_and_end() -> None:
    """Two stalled downloads use all places for streams, so a third is refused; a page is still answered meanwhile."""
    closed: list[str] = []

    class Download:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x" * 600] * 10)

        def close(self) -> None:
            closed.append("closed")

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response("200 OK", [])
        return Download() if environ["PATH_INFO"] == "/download/" else [b"page"]

    async def run() -> tuple[Browser, Browser]:
        served = bridge(app)
        stalled = [Browser(b"", path="/download/") for _ in range(2)]
        for browser in stalled:
            browser.takes.clear()
        downloads = [asyncio.create_task(together(served, browser)) for browser in stalled]
        while served.streams._value:
            await asyncio.sleep(0.01)
        third, page = Browser(b"", path="/download/"), Browser(b"")
        await together(served, third, page)
        assert not any(download.done() for download in downloads)
        await asyncio.gather(*downloads)
        return third, page

    third, page = run_coroutine(run())
    assert (third.status, page.body, closed) == (503, b"page", ["closed"] * 3)


def test_a_download_ends_when_its_client_goes_away() -> None:
    made = 0

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        nonlocal made
        start_response("200 OK", [])
        while made < 1_000_000:
            made += 1
            yield b"x" * 600

    assert exchange(Browser(b"", b"GONE"), app).status in {0, 200}
    assert made < 1_000_000


def test_a_reader_below_the_least_speed_is_dropped() -> None:
    class Slow(Browser):
        async def send(self, message: dict[str, Any]) -> None:
            await asyncio.sleep(0.1)  # never long enough to be idle
            await super().send(message)

    assert len(exchange(Slow(b""), large).sent) < 10


def test_no_more_pages_are_computed_at_once_than_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        return echo(environ, start_response)

    run_coroutine(together(bridge(app), *(Browser(b"") for _ in range(10))))
    assert most == LIMITS.pages


@pytest.mark.parametrize("path", ["/local/jobs/", "/api/v1/connections/"])
def test_a_request_that_has_waited_too_long_for_its_turn_is_told_to_come_again(path: str) -> None:
    impatient = replace(LIMITS, wait_seconds=-1)  # any wait is too long
    browser = Browser(b"", path=path)
    run_coroutine(together(Bridge(unreached, limit_of=lambda path: 0, refuse=refuse, limits=impatient), browser))
    assert (browser.status, dict(browser.sent[0]["headers"])[b"retry-after"]) == (503, b"5")
    assert b"The console is busy and has not begun this request." in browser.body


def test_a_request_waits_no_longer_than_that_while_others_compute() -> None:
    served = Bridge(unreached, limit_of=lambda path: 0, refuse=refuse, limits=replace(LIMITS, wait_seconds=0.05))
    for _ in range(LIMITS.pages):
        served.pages.acquire()  # as requests do that take for ever
    browser = Browser(b"")
    run_coroutine(together(served, browser))
    assert browser.status == 503


def test_headers_are_named_as_cgi_does_and_none_can_pass_for_another() -> None:
    headers = [
        (b"x-forwarded-proto", b"http"),
        (b"x_forwarded_proto", b"https"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]
    assert header_variables(headers) == {"HTTP_X_FORWARDED_PROTO": "http", "HTTP_COOKIE": "a=1; b=2"}


def test_an_error_of_the_application_is_the_server_s_to_answer() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        exchange(Browser(b""), app)
