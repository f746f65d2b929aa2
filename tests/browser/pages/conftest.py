"""One seeded server for all tests of a module: the pages are only looked at."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import override_settings
from playwright.sync_api import Browser
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from tests.browser.pages.seed import Seed
from tests.browser.pages.visits import Site


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", default="var-screenshots", help="folder for the pictures of take_screenshots.py")


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database for a whole module, emptied after it; pytest-django's own is emptied after each test."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def site(db: None, browser: Browser, aws_endpoint: str, bedrock_endpoint: str) -> Iterator[Site]:
    """A server that holds something of everything. No test may change what it holds."""
    with override_settings(ROOT_URLCONF="tests.browser.pages.urls"):
        server = LiveServer("localhost")
        site = Site(browser, server.url, Seed(aws_endpoint, bedrock_endpoint).fill())
        yield site
        site.close()
        server.stop()
