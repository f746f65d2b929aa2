"""Traces and error reports: nothing without their settings, a sentence without their packages, no secrets with them."""

import logging
import sys
from typing import Any

import pytest
from pytest_django import Settings

from batchconsole import telemetry

SENTENCE = "is set and does nothing: a package is missing"


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.PACKAGES:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("without_packages")
def test_nothing_happens_without_the_settings(caplog: pytest.LogCaptureFixture) -> None:
    telemetry.start()
    assert caplog.text == ""


@pytest.mark.usefixtures("without_packages")
@pytest.mark.parametrize("name", telemetry.OTLP)
def test_a_missing_package_of_traces_is_said_with_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    telemetry.start()
    assert f"{name} {SENTENCE}, opentelemetry" in caplog.text
    assert telemetry.INSTALL in caplog.text


@pytest.mark.usefixtures("without_packages")
def test_a_missing_package_of_error_reports_is_said_with_the_command(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SENTRY_DSN = "https://key@errors.example.com/1"
    telemetry.start()
    assert f"BATCHCONSOLE_SENTRY_DSN {SENTENCE}, sentry_sdk" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_no_secret_is_reported() -> None:
    event = {
        "request": {"query_string": "sesame=AAAB"},
        "values": [("url", "/account/password/reset/key/AAAB/")],
        "n": 1,
    }
    assert "AAAB" not in str(telemetry.masked(event))
    assert telemetry.masked(event)["n"] == 1


def test_no_secret_is_in_a_span() -> None:
    class Span:
        def __init__(self) -> None:
            self.attributes: dict[str, Any] = {"http.url": "http://h/login/?sesame=AAAB", "http.status_code": 200}

        def set_attribute(self, name: str, value: Any) -> None:
            self.attributes[name] = value

    span = Span()
    telemetry.mask_span(span)
    assert span.attributes == {"http.url": "http://h/login/?sesame=...", "http.status_code": 200}
