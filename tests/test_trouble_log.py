"""The log while the database is away."""

import logging

import pytest
from django.db import OperationalError

from batchconsole.trouble_log import TroubleFilter

AWAY = OperationalError("connection refused")


def record(error: Exception | None, *, name: str = "django.request") -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord(name, logging.ERROR, __file__, 1, "It failed.", (), exc_info)


def test_what_a_database_that_is_away_does_to_each_request_is_logged_once() -> None:
    log = TroubleFilter()
    assert [log.filter(record(AWAY)) for _ in range(3)] == [True, False, False]
    assert log.filter(record(AWAY, name="celery.app.trace"))
    assert log.filter(record(OperationalError("the database system is starting up")))


@pytest.mark.parametrize("error", [None, ValueError("connection refused")])
def test_every_other_line_is_logged(error: Exception | None) -> None:
    log = TroubleFilter()
    assert [log.filter(record(error)) for _ in range(2)] == [True, True]


def test_the_console_logs_through_it() -> None:
    filters = [each for handler in logging.getLogger().handlers for each in handler.filters]
    assert any(isinstance(each, TroubleFilter) for each in filters)
