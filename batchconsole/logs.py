"""The formats of log lines: text for people, JSON for what collects logs. Neither shows a secret of a URL."""

import logging
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from batchconsole import log_context
from batchconsole.masking import mask_secrets

TEXT, JSON = FORMATS = ("text", "json")


class ContextFilter(logging.Filter):
    """Give each record what is known of its request or step, unless the call of the logger says it."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in log_context.current().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class TextFormatter(logging.Formatter):
    """Lines for people, masked with their tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets(super().format(record))


class JsonLines(JsonFormatter):
    """One JSON object a line: ``timestamp`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, and the extra fields.

    A record's ``extra`` and what :mod:`batchconsole.log_context` knows are members beside these; ``exc_info`` holds a
    traceback.
    """

    def __init__(self) -> None:
        renamed = {"levelname": "level", "name": "logger"}
        super().__init__("{levelname}{name}{message}", style="{", rename_fields=renamed, timestamp=True)

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat()


def quiet_level(log_format: str) -> str:
    """Return the level of the loggers of requests and AWS calls, whose lines only a collector of logs wants."""
    return "INFO" if log_format == JSON else "WARNING"
