"""The output of the processes: on the terminal after their name, and in one size-limited file each in `logs/`."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import Lock
from typing import IO

FILE_BYTES = 10_000_000
OLD_FILES = 2
LINE_BYTES = 1 << 16
NAME_WIDTH = 8
COLOURS = (36, 33, 32, 35, 34, 31)  # ANSI: cyan, yellow, green, magenta, blue, red


class QuietFileHandler(RotatingFileHandler):
    """A log handler that silently drops lines that it cannot write, for example when the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:
        return None


class Output:
    """The terminal and the log files, shared by the threads that read the processes' output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, QuietFileHandler] = {}
        self.lock = Lock()
        self.has_terminal = True

    def line(self, name: str, text: str) -> None:
        """Log a line of process *name*, and print it."""
        with self.lock:
            with contextlib.suppress(OSError):  # continue if the disk is full
                self._file(name).handle(logging.makeLogRecord({"msg": text}))
            self._show(f"{self._prefix(name)} {text}")

    def say(self, text: str) -> None:
        """Print a line of `up` itself."""
        with self.lock:
            self._show(text)

    def _show(self, text: str) -> None:
        """Print a line. If the terminal has gone away, only the log files continue."""
        try:
            if self.has_terminal:
                print(text, flush=True)
        except OSError:
            self.has_terminal = False

    def _file(self, name: str) -> RotatingFileHandler:
        if name not in self.files:
            path = self.folder / f"{name}.log"
            handler = QuietFileHandler(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            self.files[name] = handler
        return self.files[name]

    def _prefix(self, name: str) -> str:
        prefix = f"{name:{NAME_WIDTH}}|"
        if not sys.stdout.isatty():
            return prefix
        return f"\033[{COLOURS[list(self.files).index(name) % len(COLOURS)]}m{prefix}\033[0m"


def lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of *stream*, long ones in pieces of LINE_BYTES, so that memory stays bounded."""
    while line := stream.readline(LINE_BYTES):
        yield line.decode(errors="replace").rstrip("\r\n")
