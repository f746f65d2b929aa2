"""What people were promised: for each post whether it was accepted, refused, or never answered."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer came, so both are possible


@dataclass
class Ledger:
    """The posts by the name of what they make, and how often each deed was done. Thread-safe."""

    jobs: dict[str, Outcome] = field(default_factory=dict)
    bulk_actions: Counter[Outcome] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)  # put into the watched folder
    runs: dict[str, Outcome] = field(default_factory=dict)  # asked for by hand, by token
    inputs: set[str] = field(default_factory=set)  # made of the table, by their URI
    batches: dict[str, int] = field(default_factory=dict)  # id of an OpenAI batch, and its requests
    deeds: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)  # answers of status 500, by what was asked for
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, deed: str) -> None:
        with self._lock:
            self.deeds[deed] += 1

    def note(self, name: str, outcome: Outcome) -> None:
        """Note the outcome of the post of the job *name*."""
        with self._lock:
            self.jobs[name] = outcome

    def note_bulk(self, outcome: Outcome) -> None:
        with self._lock:
            self.bulk_actions[outcome] += 1

    def note_error(self, what: str) -> None:
        with self._lock:
            self.errors[what] += 1

    def some_jobs(self) -> list[str]:
        with self._lock:
            return list(self.jobs)
