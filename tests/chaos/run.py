"""One run from the first start to the last check, and its figures."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from batchconsole.jobs.models import BatchJob
from tests.chaos import leftovers, outputs, promises, scene
from tests.chaos.ledger import Ledger
from tests.chaos.people import Person
from tests.chaos.promises import KINDS, STRAY, STUCK, WRONG, Broken, of_kind
from tests.chaos.settling import settle
from tests.chaos.stack import Stack
from tests.chaos.trouble import Trouble
from tests.conftest import free_port
from tests.jobs.receiver import Receiver, receiving

PEOPLE = 5
PAUSE_OF_PEOPLE = 1.5  # seconds between two deeds of one
PAUSE_OF_TROUBLE = 3.0
CALM_SECONDS = 3.0  # before the first kill, so that there is something to kill
MOST_TOLD = 40


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a run came to."""

    jobs: int
    trouble: Trouble
    ledger: Ledger
    broken: list[Broken]

    def lines(self) -> Iterator[str]:
        """Yield the report, its last line with all figures."""
        yield from (f"{each.kind}: {each.what}" for each in self.broken[:MOST_TOLD])
        if len(self.broken) > MOST_TOLD:
            yield f"... and {len(self.broken) - MOST_TOLD} more"
        yield f"deeds    {_counts(self.ledger.deeds)}"
        yield f"killed   {_counts(self.trouble.kills)}"
        kinds = Counter(each.kind for each in self.broken)
        trouble = self.trouble
        yield (
            f"jobs {self.jobs}   kills {trouble.kills.total()}   freezes {trouble.freezes}   cuts {trouble.cuts}   "
            f"faults {trouble.faults}   " + "   ".join(f"{kind} {kinds[kind]}" for kind in KINDS)
        )


def _counts(counter: Counter[str]) -> str:
    return "   ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def run(minutes: float, seed: int) -> Figures:
    """Run chaos for *minutes* on the data folder and database of the settings; the stack is ended in any case."""
    stack = Stack(settings.DATA_DIR)
    try:
        with receiving() as receiver:
            return _run(stack, receiver, minutes=minutes, seed=seed)
    finally:
        connection.close()
        stack.end()


def _run(stack: Stack, receiver: Receiver, *, minutes: float, seed: int) -> Figures:
    ledger = Ledger()
    stack.start()
    stack.wait_until_ready()
    here = scene.prepare(f"{receiver.url}/hook", f"http://127.0.0.1:{free_port()}/hook")
    scene.schedule(here)
    trouble = Trouble(stack, random.Random(seed), pause=PAUSE_OF_TROUBLE)
    work(here, ledger, stack, trouble, seconds=60 * minutes, seed=seed)
    connection.close()  # it may have been cut
    say(f"{BatchJob.objects.count()} jobs; everything settles.")
    broken = of_kind(STUCK, settle(here, stack))
    received = Counter(got.headers["webhook-id"] for got in list(receiver.got))
    target = here.connection.target
    broken += [*promises.find_broken(here, ledger, received), *outputs.find_broken_records(target, ledger)]
    broken += of_kind(STRAY, [*leftovers.find_open_uploads(target), *outputs.find_stray_objects(target)])
    broken += of_kind(WRONG, [f"{what} was answered with 500, {count} times" for what, count in ledger.errors.items()])
    jobs = BatchJob.objects.count()
    connection.close()
    code = stack.end()
    broken += of_kind(WRONG, [] if code == 0 else [f"`up` ended with {code} instead of 0 after Ctrl-C"])
    broken += of_kind(STRAY, leftovers.find_stray_files(stack.folder))
    broken += of_kind(WRONG, leftovers.find_damage(stack.folder))
    return Figures(jobs=jobs, trouble=trouble, ledger=ledger, broken=broken)


def work(here: scene.Scene, ledger: Ledger, stack: Stack, trouble: Trouble, *, seconds: float, seed: int) -> None:
    """Let people work for *seconds*, while *trouble* does its harm, and wait until all of them have stopped."""
    stopping = threading.Event()
    rngs = map(random.Random, itertools.count(seed + 1))
    people = [
        Person(here, ledger, rng, stopping, url=stack.url, pause=PAUSE_OF_PEOPLE)
        for rng in itertools.islice(rngs, PEOPLE)
    ]
    for person in people:
        person.start()
    time.sleep(min(CALM_SECONDS, seconds / 2))
    trouble.start()
    try:
        _wait(seconds, trouble, ledger)
    finally:
        stopping.set()
        trouble.stop()
    stack.wait_until_ready()
    for person in people:
        person.join()


def _wait(seconds: float, trouble: Trouble, ledger: Ledger) -> None:
    """Wait, and say once a minute how far it is, without the database, whose connections are cut meanwhile."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 60))
        say(f"{len(ledger.some_jobs())} posts, {trouble.kills.total()} kills, {max(0, left - 60):.0f} s to go")


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
