"""Room on the disk of the data folder: said when it is nearly used up, and said again when there is room."""

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

LEAST_BYTES = 256 << 20
EVERY_SECONDS = 5.0


class SpaceWatch:
    """Looks at the disk of *folder* again and again until *stopping*, and has *say* tell a person what it sees."""

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
        """Whether the disk is nearly full; a change is said."""
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
