"""Free disk space of the data folder: a warning when it runs low, and a message when there is space again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

LEAST_BYTES = 256 << 20
EVERY_SECONDS = 5.0


class SpaceWatch:
    """Checks the disk of *folder* periodically until *stopping*, and reports changes through *say*."""

    def __init__(
        self, folder: Path, say: Callable[[str], None], *, stopping: Event, every_seconds: float = EVERY_SECONDS
    ) -> None:
        self.folder = folder
        self.say = say
        self.stopping = stopping
        self.every_seconds = every_seconds
        self.is_short = False

    def start(self) -> None:
        Thread(target=self._watch, name="space", daemon=True).start()

    def look(self) -> bool:
        """Return whether the disk is nearly full, and report a change."""
        free = shutil.disk_usage(self.folder).free
        was_short, self.is_short = self.is_short, free < LEAST_BYTES
        if self.is_short and not was_short:
            self.say(
                f"The disk of {self.folder} is nearly full: {free >> 20} MiB of {LEAST_BYTES >> 20} are free. "
                "Free some space; until then jobs and uploads may fail. Everything goes on by itself afterwards."
            )
        elif was_short and not self.is_short:
            self.say(f"The disk of {self.folder} has room again: {free >> 20} MiB are free.")
        return self.is_short

    def _watch(self) -> None:
        while not self.stopping.wait(self.every_seconds):
            self.look()
