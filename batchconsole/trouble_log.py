"""Keeps a log readable while the database is away: what each request and each step would say again is said once."""

import logging
import time
from threading import Lock

from batchconsole.trouble import trouble_of

PAUSE_SECONDS = 60.0


class TroubleFilter(logging.Filter):
    """Drop an error of temporary trouble if the same logger has told it within PAUSE_SECONDS.

    The first one keeps its traceback. Each process has a filter of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._told: dict[tuple[str, str], float] = {}  # when a logger told an error, on the monotonic clock

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return error is None or trouble_of(error) is None or self._is_news(record.name, str(error))

    def _is_news(self, logger: str, text: str) -> bool:
        now = time.monotonic()
        with self._lock:
            self._told = {known: at for known, at in self._told.items() if now - at < PAUSE_SECONDS}
            is_news = (logger, text) not in self._told
            if is_news:
                self._told[logger, text] = now
        return is_news
