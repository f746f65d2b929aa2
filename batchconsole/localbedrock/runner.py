"""Run a job in state InProgress: send many records to the model at once and write their answers.

Answers are collected in input order, so one offset per file records the progress, and a slow record delays writing but
not further requests. The lines of each write are shuffled, because on AWS the output is not in input order either.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from functools import partial

import msgspec

from batchconsole.localbedrock.answers import Answer, Answerer
from batchconsole.localbedrock.finishing import Outputs
from batchconsole.localbedrock.jobs import Counts, InputFile, Job, Status
from batchconsole.localbedrock.lines import Line, read_lines
from batchconsole.localbedrock.pool import Pool
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.storage import S3Object, Storage
from batchconsole.localbedrock.store import Store, now

FLUSH_SECONDS = 0.2
FLUSH_LINES = 500
FLUSH_BYTES = 8 << 20
WINDOW_RECORDS = 2000
WINDOW_BYTES = 16 << 20


class _Asked(msgspec.Struct):
    """A record sent to the model; ``end`` is the offset in ``file`` at which the next record starts."""

    file: InputFile
    end: int
    size: int
    answer: Future[Answer]


class Runner:
    """Runs *job* from the progress stored with its files. Each instance runs once."""

    def __init__(
        self,
        job: Job,
        *,
        store: Store,
        storage: Storage,
        outputs: Outputs,
        answerer: Answerer,
        pool: Pool,
        settings: Settings,
        closing: threading.Event,
    ) -> None:
        self._job = job
        self._status = job.status
        self._store = store
        self._storage = storage
        self._outputs = outputs
        self._answerer = answerer
        self._pool = pool
        self._max_record_bytes = settings.max_record_bytes
        self._closing = closing
        # Twice as many slots as the pool has threads keep the pool busy and leave other jobs their turn.
        self._slots = threading.Semaphore(2 * settings.concurrency)
        self._window: deque[_Asked] = deque()
        self._window_bytes = 0
        self._batch: list[tuple[_Asked, Answer]] = []
        self._batch_bytes = 0
        self._flushed = time.monotonic()

    def run(self) -> bool:
        """Answer the remaining records. Return False if the job is stopped, out of time or has to pause."""
        try:
            for file, number, line in self._lines():
                if not self._wait_for_room():
                    return False
                self._ask(file, number, line)
            return self._wait_for_rest() and not self._answerer.is_expired
        finally:
            self._answerer.abandoned.set()
            for asked in self._window:
                asked.answer.cancel()

    def _lines(self) -> Iterator[tuple[InputFile, int, Line]]:
        for file in self._outputs.files:
            pieces = self._storage.read(S3Object(file.key, file.size, file.etag), file.read_offset)
            lines = read_lines(pieces, offset=file.read_offset, limit=self._max_record_bytes)
            for number, line in enumerate(lines, file.records_done + 1):
                yield file, number, line

    def _ask(self, file: InputFile, number: int, line: Line) -> None:
        answer = self._pool.submit(partial(self._answerer.answer, line.data, number))
        answer.add_done_callback(lambda _: self._slots.release())
        self._window.append(_Asked(file, line.end, len(line.data), answer))
        self._window_bytes += len(line.data)

    def _wait_for_room(self) -> bool:
        """Wait until one more record may be sent to the model; return False if no more are to be sent."""
        while self._go_on():
            if len(self._window) >= WINDOW_RECORDS or self._window_bytes >= WINDOW_BYTES:
                wait_for([self._window[0].answer], timeout=FLUSH_SECONDS)
            elif self._slots.acquire(timeout=FLUSH_SECONDS):
                return True
        return False

    def _wait_for_rest(self) -> bool:
        while self._window:
            if not self._go_on():
                return False
            wait_for([self._window[0].answer], timeout=FLUSH_SECONDS)
            self._take_first()
        self._flush()
        return True

    def _go_on(self) -> bool:
        """Collect answers and write them when due. Return False if the job is stopped, out of time or has to pause."""
        self._take_first()
        if now() >= self._job.expiration_time and not self._answerer.expire():
            return self._take_all()
        if time.monotonic() - self._flushed >= FLUSH_SECONDS or len(self._batch) >= FLUSH_LINES:
            self._flush()
        if self._status != Status.IN_PROGRESS:
            return self._take_all()
        return not self._closing.is_set()

    def _take_first(self) -> None:
        while self._window and self._window[0].answer.done():
            self._take(self._window.popleft())

    def _take_all(self) -> bool:
        """Collect even answers behind unanswered records, as the job will not continue. Return False."""
        for asked in list(self._window):
            if asked.answer.done():
                self._window.remove(asked)
                self._take(asked)
        self._flush()
        return False

    def _take(self, asked: _Asked) -> None:
        self._window_bytes -= asked.size
        if self._batch and self._batch[-1][0].file is not asked.file:
            self._flush()
        answer = asked.answer.result()
        self._batch.append((asked, answer))
        self._batch_bytes += len(answer.line)
        if self._batch_bytes >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write the collected answers, which are all of one file, and read the job's state."""
        self._flushed = time.monotonic()
        if not self._batch:
            self._status = self._store.status(self._job.id)
            return
        last = self._batch[-1][0]
        answers = [answer for _, answer in self._batch]
        self._batch, self._batch_bytes = [], 0
        random.shuffle(answers)
        counts = sum((answer.counts for answer in answers), start=Counts())
        self._outputs.check_space()
        output = self._outputs.open(last.file)
        self._status = output.append(
            [answer.line for answer in answers if not answer.is_apart],
            errors=[answer.line for answer in answers if answer.is_apart],
            read_offset=last.end,
            counts=counts,
        )
