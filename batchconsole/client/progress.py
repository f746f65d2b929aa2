"""Progress of a command on standard error: a bar in a terminal, a line for each change elsewhere."""

import sys
from types import TracebackType
from typing import Self, TextIO

WIDTH = 30


class Progress:
    """Shows how far a command is. Use it as a context manager, which ends the bar's line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream.isatty()
        self.last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_terminal and self.last:
            print(file=self.stream, flush=True)

    def show(self, text: str, share: float | None = None) -> None:
        """Show *text*, with a bar for *share* of 1 if that is known."""
        if text == self.last:
            return
        if self.is_terminal:
            before, self.last = len(self.last), text
            print(f"\r{bar(share)}{text}".ljust(before), end="", file=self.stream, flush=True)
        else:
            self.last = text
            print(text, file=self.stream, flush=True)


def bar(share: float | None) -> str:
    """Return a bar, filled to *share* of 1; empty if the share is unknown."""
    if share is None:
        return ""
    filled = round(WIDTH * min(max(share, 0), 1))
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] "
