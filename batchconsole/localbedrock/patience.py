"""How long work on a job may continue: until the job's state changes or the service closes."""

import threading

from batchconsole.localbedrock.jobs import Job, Status
from batchconsole.localbedrock.store import Store

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
CHECK_SECONDS = 0.2


class Interrupted(Exception):
    """The job's state has changed, or the service is closing."""


class Patience:
    """Lets work on *job* wait while its state stays the same; ``closing`` is set when the service closes."""

    def __init__(self, store: Store, job: Job, closing: threading.Event) -> None:
        self._store = store
        self._job_id = job.id
        self._status: Status = job.status
        self.closing = closing

    def check(self) -> None:
        """Raise :class:`Interrupted` if the work has to end."""
        job = self._store.get(self._job_id)
        if self.closing.is_set() or job is None or job.status != self._status:
            raise Interrupted

    def pause(self, attempt: int) -> float:
        """Wait, longer with each *attempt* (from 0), and return the seconds waited. Raises :class:`Interrupted`."""
        left = seconds = min(FIRST_PAUSE_SECONDS * float(2 ** min(attempt, 10)), LONGEST_PAUSE_SECONDS)
        while left > 0:
            self.closing.wait(min(left, CHECK_SECONDS))
            self.check()
            left -= CHECK_SECONDS
        return seconds
