"""The life of jobs: one thread looks what is due, each step that takes time has a thread of its own.

Submitted, Validating, Scheduled and InProgress each have a due time in the database; a step ends by moving the job on.
A service that was killed finds its jobs due and takes them up where they stand.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from batchconsole.localbedrock.answers import Answerer
from batchconsole.localbedrock.checking import InputRefused, check_input
from batchconsole.localbedrock.finishing import Outputs, write_manifest
from batchconsole.localbedrock.jobs import Job, Status
from batchconsole.localbedrock.media import Media
from batchconsole.localbedrock.modelservers.base import ModelServer
from batchconsole.localbedrock.output import SpoolLost
from batchconsole.localbedrock.patience import Interrupted, Patience
from batchconsole.localbedrock.pool import Pool
from batchconsole.localbedrock.runner import Runner
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.storage import Storage, StorageRefused
from batchconsole.localbedrock.store import Store
from batchconsole.records.families import family_for

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
RETRY_SECONDS = 5.0
CLOSE_SECONDS = 5.0
STOPPING_AT_ONCE = 8
WORK = (Status.VALIDATING, Status.SCHEDULED, Status.IN_PROGRESS)


class Engine:
    """Moves the jobs of *store* on. ``settings`` may be replaced at any time."""

    def __init__(self, settings: Settings, store: Store, model: ModelServer) -> None:
        self.settings = settings
        self._store = store
        self._model = model
        self._pool = Pool(settings.concurrency)
        self._spool = Path(settings.data_dir) / "spool"
        self._closing = threading.Event()
        self._wake = threading.Condition()
        self._active: dict[str, threading.Thread] = {}
        self._stopping: dict[str, threading.Thread] = {}
        self._clock = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._clock.start()

    def close(self) -> None:
        """Let every step come to a point it can be taken up from; jobs go on at the next start."""
        self._closing.set()
        self.nudge()
        for thread in (self._clock, *self._active.values(), *self._stopping.values()):
            thread.join(CLOSE_SECONDS)

    def nudge(self) -> None:
        """Look at once: something has changed."""
        with self._wake:
            self._wake.notify()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._tick()
            except Exception as error:
                # The clock must not stop: without it no job would ever move again.
                self._complain("Looking for due jobs", error)
            with self._wake:
                self._wake.wait(TICK_SECONDS)

    def _tick(self) -> None:
        settings = self.settings
        self._store.expire()
        self._store.move_due(Status.SUBMITTED, to=Status.VALIDATING, due_in=settings.validating_seconds)
        self._start(self._stopping, [Status.STOPPING], STOPPING_AT_ONCE, self._stop)
        self._start(self._active, WORK, settings.jobs_at_once, self._step)

    def _start(
        self,
        threads: dict[str, threading.Thread],
        statuses: tuple[Status, ...] | list[Status],
        limit: int,
        step: Callable[[Job], None],
    ) -> None:
        free = limit - len(threads)
        if free <= 0:
            return
        busy = [*self._active, *self._stopping]
        for job in self._store.due(statuses, limit=free, besides=busy):
            thread = threading.Thread(target=self._work, args=(threads, step, job), name=f"job-{job.id}", daemon=True)
            threads[job.id] = thread
            thread.start()

    def _work(self, threads: dict[str, threading.Thread], step: Callable[[Job], None], job: Job) -> None:
        try:
            step(job)
        except Interrupted:
            log.debug("Job %s was interrupted", job.id)
        except (StorageRefused, SpoolLost) as error:
            self._fail(job, str(error))
        except Exception as error:
            # Not the job's fault as far as anyone knows: later again.
            self._complain(f"A step of job {job.id}", error)
        finally:
            del threads[job.id]
            self.nudge()

    def _complain(self, what: str, error: Exception) -> None:
        """Log *error* and wait a while. A full disk, which is nobody's fault and may fill the log, is one line."""
        if isinstance(error, OSError | sqlite3.OperationalError):
            log.error("%s failed, to be tried again in %.0f s: %s. Is the disk full?", what, RETRY_SECONDS, error)
        else:
            log.error("%s failed, to be tried again in %.0f s", what, RETRY_SECONDS, exc_info=error)
        self._closing.wait(RETRY_SECONDS)

    def _fail(self, job: Job, message: str) -> None:
        log.info("Job %s failed: %s", job.id, message)
        self._store.move(job.id, to=Status.FAILED, only_from=[job.status], message=message)

    def _step(self, job: Job) -> None:
        if job.status == Status.VALIDATING:
            self._validate(job)
        elif job.status == Status.SCHEDULED:
            self._store.move(job.id, to=Status.IN_PROGRESS, only_from=[Status.SCHEDULED], due_in=0)
        else:
            self._answer(job)

    def _validate(self, job: Job) -> None:
        patience = Patience(self._store, job, self._closing)
        try:
            files = check_input(job, Storage(job, self.settings, patience), self.settings, patience)
        except InputRefused as error:
            self._fail(job, str(error))
        else:
            self._store.schedule(job.id, files, due_in=self.settings.scheduled_seconds)

    def _answer(self, job: Job) -> None:
        storage = Storage(job, self.settings, Patience(self._store, job, self._closing))
        outputs = Outputs(job, store=self._store, storage=storage, folder=self._spool)
        family = family_for(job.base_model_id, job.invocation_type)
        if family is None:
            raise StorageRefused("ValidationException", f"{job.model_id} has no known request format")
        answerer = Answerer(
            family,
            self._model,
            Media(storage),
            model_id=job.base_model_id,
            caller=job.caller,
            record_seconds=self.settings.record_seconds,
        )
        try:
            runner = Runner(
                job,
                store=self._store,
                storage=storage,
                outputs=outputs,
                answerer=answerer,
                pool=self._pool,
                settings=self.settings,
                closing=self._closing,
            )
            if runner.run():
                outputs.finish_all()
                self._end(job, Status.COMPLETED, storage, outputs)
            elif self._store.status(job.id) == Status.IN_PROGRESS and not self._closing.is_set():
                outputs.finish_begun()
                self._end(job, Status.PARTIALLY_COMPLETED, storage, outputs)
        finally:
            outputs.close()

    def _stop(self, job: Job) -> None:
        storage = Storage(job, self.settings, Patience(self._store, job, self._closing))
        outputs = Outputs(job, store=self._store, storage=storage, folder=self._spool)
        try:
            outputs.finish_begun()
            self._end(job, Status.STOPPED, storage, outputs)
        finally:
            outputs.close()

    def _end(self, job: Job, status: Status, storage: Storage, outputs: Outputs) -> None:
        ended = self._store.get(job.id) or job
        if ended.total:
            write_manifest(ended, storage)
        if self._store.move(job.id, to=status, only_from=[job.status]):
            outputs.remove_spool()
