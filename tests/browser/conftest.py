"""A real Chromium against Django's live server, signed in, and a way to let axe look at a page."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from batchconsole.jobs.models import Connection
from batchconsole.setup import chromium
from tests.browser.pages.visits import OUR_FONT, session_cookie
from tests.conftest import ACCOUNT, REGION
from tests.factories import MakeJob as MakeJob
from tests.factories import job_maker

# Pages ask for news every few seconds, and later ones on a machine that does much else.
expect.set_options(timeout=45_000)

# Flags for containers, and for a browser that calls nobody on its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # pages of one context share a process, which has compiled the scripts already
)
VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
OUR_FONTS = re.compile("(?<=--font-family-base: )[^;]+")
STORED = "cookies,local_storage,indexeddb,cache_storage,service_workers"
KEEPS_TIME = "String(Date).includes('native code')"
NOBODY = "http://127.0.0.1:9"
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own; one for the whole session."""
    # Playwright's loop runs in this thread, which is what Django's guard against async looks for.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=list(FLAGS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def person(transactional_db: None) -> User:
    return User.objects.create_user("ada", password="correct horse battery staple", is_staff=True, is_superuser=True)


@pytest.fixture
def connection(transactional_db: None) -> Connection:
    return Connection.objects.create(
        name="local",
        title="Local stack",
        region=REGION,
        account_id=ACCOUNT,
        credentials=Connection.Credentials.LOCAL,
        endpoint_url=NOBODY,
        bedrock_endpoint_url=NOBODY,
    )


@pytest.fixture
def make_job(connection: Connection, person: User) -> MakeJob:
    return job_maker(connection, person)


class Warm:
    """The context that most tests share, one after the other: it keeps what pages are made of, and nothing said there.

    A context of its own would begin in a new process, and load and compile every script and style once more.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.context = browser.new_context(base_url=url, viewport=VIEWPORT)
        self.anchor = self.context.new_page()  # without a page the process would end
        self.anchor.goto("/healthz")
        self.storage = self.context.new_cdp_session(self.anchor)

    def forget(self) -> None:
        """Close the pages, and drop cookies and whatever else they have stored."""
        for page in self.context.pages:
            if page is not self.anchor:
                page.close()
        self.context.clear_cookies()
        self.storage.send("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": STORED})
        assert self.anchor.evaluate(KEEPS_TIME), "A clock would stop later tests: open the page with has_clock=True."


@pytest.fixture(scope="session")
def warm(browser: Browser, live_server: LiveServer) -> Iterator[Warm]:
    warm = Warm(browser, live_server.url)
    yield warm
    warm.context.close()


@pytest.fixture
def open_page(browser: Browser, warm: Warm, live_server: LiveServer, person: User) -> Iterator[Open]:
    """``open_page("/local/jobs/", color_scheme="dark")``: a signed-in page of a browser that has nothing stored.

    Options, a clock, or ``is_first=True`` for one that has not even loaded a script before, take a context of its own.
    When the test ends it fails if a page had an error of script or met the content security policy.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new_context(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=live_server.url, **{"viewport": VIEWPORT, **options})
        contexts.append(context)
        return context

    def open_page(
        path: str, *, signed_in: bool = True, has_clock: bool = False, is_first: bool = False, **options: Any
    ) -> Page:
        context = new_context(**options) if options or has_clock or is_first else warm.context
        if signed_in:
            context.add_cookies([session_cookie(person, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        if has_clock:
            page.clock.install()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    warm.forget()
    assert complaints == []


def let_time_pass(page: Page) -> None:
    """Let five seconds pass at once on *page*, opened with a clock: a busy page has asked for news by then."""
    page.get_by_text("Last updated").first.wait_for()  # by script, whose next question is planned then
    page.clock.fast_forward(5000)


def set_in(page: Page, font: str) -> None:
    """Show what *page* loads from now on in *font*, as where our own cannot be had and nothing stands in for it."""
    if font == OUR_FONT:
        return
    page.route("**/*.woff2", lambda route: route.abort())
    page.route("**/tokens.css", lambda route: route.fulfill(body=OUR_FONTS.sub(f"'{font}'", route.fetch().text())))


def faults(page: Page) -> list[str]:
    """What axe finds wrong, one line for each element."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {node['html'][:200]}" for fault in found for node in fault["nodes"]]
