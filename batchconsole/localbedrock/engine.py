"""The life cycle of jobs: one thread finds the jobs that are due, and each step runs in a thread of its own.

Every job that has not ended has a due time in the database, and each step ends by moving the job to another state. A
service that was killed finds its jobs due at the next start and resumes them.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from batchconsole.localbedrock.answers import Answerer
from batchconsole.localbedrock.checking import InputRefused, check_input
from batchconsole.localbedrock.finishing import Outputs, abort_strays, abort_uploads, remove_spool, write_manifest
from batchconsole.localbedrock.jobs import Job, Status
from batchconsole.localbedrock.media import Media
from batchconsole.localbedrock.modelservers.base import ModelServer
from batchconsole.localbedrock.output import SpoolLost
from batchconsole.localbedrock.patience import Interrupted, Patience
from batchconsole.localbedrock.pool import Pool
from batchconsole.localbedrock.record_formats import format_of
from batchconsole.localbedrock.runner import Runner
from batchconsole.localbedrock.settings import Settings
from batchconsole.localbedrock.space import DiskFull
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
    """Moves the jobs of *store* from state to state. ``settings`` may be replaced at any time."""

    def __init__(self, settings: Settings, store: Store, model: ModelServer) -> None:
        self.settings = settings
        self._store = store
        self._model = model
        self._pool = Pool(settings.concurrency)
        self._spool = Path(settings.data_dir) / "spool"
        self._inherited = store.live_ids()  # live jobs of an earlier run of the service
        self._closing = threading.Event()
        self._wake = threading.Condition()
        self._active: dict[str, threading.Thread] = {}
        self._stopping: dict[str, threading.Thread] = {}
        self._clock = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._clock.start()
        threading.Thread(target=self._sweep, name="sweep", daemon=True).start()

    def close(self) -> None:
        """Let every step reach a point from which it can resume; jobs continue at the next start."""
        self._closing.set()
        self.nudge()
        for thread in (self._clock, *self._active.values(), *self._stopping.values()):
            thread.join(CLOSE_SECONDS)

    def nudge(self) -> None:
        """Look for due jobs immediately, because something has changed."""
        with self._wake:
            self._wake.notify()

    def _sweep(self) -> None:
        """Remove what is left of jobs that ended in an earlier run of the service."""
        try:
            # List the folders before the live jobs, so that the folder of a job created meanwhile is not removed.
            folders = [folder.name for folder in self._spool.glob("*")]
            for name in set(folders) - self._store.live_ids():
                remove_spool(self._spool, name)
            for job in self._store.ended_with_uploads():
                abort_uploads(job, store=self._store, storage=self._storage(job))
        except Interrupted:
            log.debug("Clearing up was interrupted")
        except Exception as error:
            # Nothing depends on the cleanup; the next start repeats it.
            log.warning("Clearing up after ended jobs failed: %s", error)

    def _storage(self, job: Job) -> Storage:
        return Storage(job, self.settings, Patience(self._store, job, self._closing))

    def _outputs(self, job: Job, storage: Storage) -> Outputs:
        least = self.settings.min_free_bytes
        return Outputs(job, store=self._store, storage=storage, folder=self._spool, min_free=least)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._tick()
            except Exception as error:
                # This thread must not end: without it, no job would ever leave its state.
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
            self._take_step(step, job)
        except Interrupted:
            log.debug("Job %s was interrupted", job.id)
        except Exception as error:
            # The job may not be at fault, so the step is retried later.
            self._complain(f"A step of job {job.id}", error)
        finally:
            del threads[job.id]
            self.nudge()

    def _take_step(self, step: Callable[[Job], None], job: Job) -> None:
        try:
            step(job)
        except (StorageRefused, SpoolLost) as error:
            self._fail(job, str(error))

    def _complain(self, what: str, error: Exception) -> None:
        """Log *error* and wait before the retry. Disk and database errors get one line, so they do not fill the log."""
        if isinstance(error, DiskFull):
            log.error("%s waits: %s.", what, error)
        elif isinstance(error, OSError | sqlite3.OperationalError):
            log.error("%s failed, to be tried again in %.0f s: %s. Is the disk full?", what, RETRY_SECONDS, error)
        else:
            log.error("%s failed, to be tried again in %.0f s", what, RETRY_SECONDS, exc_info=error)
        self._closing.wait(RETRY_SECONDS)

    def _fail(self, job: Job, message: str, failure: dict[str, Any] | None = None) -> None:
        """End *job* as Failed. If it has already written an output object, write its manifest too."""
        log.info("Job %s failed: %s", job.id, message)
        storage = self._storage(job)
        if any(file.done for file in self._store.files(job.id)):
            with suppress(StorageRefused):
                self._write_manifest(job, storage)
        self._end(job, Status.FAILED, storage, message=message, failure=failure)

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
            self._fail(job, str(error), error.failure)
        else:
            self._store.schedule(job.id, files, due_in=self.settings.scheduled_seconds)

    def _answer(self, job: Job) -> None:
        storage = self._storage(job)
        outputs = self._outputs(job, storage)
        try:
            runner = Runner(
                job,
                store=self._store,
                storage=storage,
                outputs=outputs,
                answerer=self._answerer(job, storage),
                pool=self._pool,
                settings=self.settings,
                closing=self._closing,
            )
            if runner.run():
                outputs.finish_all()
                self._conclude(job, Status.COMPLETED, storage)
            elif self._store.status(job.id) == Status.IN_PROGRESS and not self._closing.is_set():
                outputs.finish_begun()
                self._conclude(job, Status.PARTIALLY_COMPLETED, storage)
        finally:
            outputs.close()

    def _answerer(self, job: Job, storage: Storage) -> Answerer:
        family = family_for(job.base_model_id, job.invocation_type)
        if family is None:
            raise StorageRefused("ValidationException", f"{job.model_id} has no known request format")
        return Answerer(
            family,
            self._model,
            Media(storage),
            model_id=job.base_model_id,
            caller=job.caller,
            records=format_of(job),
            record_seconds=self.settings.record_seconds,
        )

    def _stop(self, job: Job) -> None:
        storage = self._storage(job)
        outputs = self._outputs(job, storage)
        try:
            outputs.finish_begun()
            self._conclude(job, Status.STOPPED, storage)
        finally:
            outputs.close()

    def _conclude(self, job: Job, status: Status, storage: Storage) -> None:
        """Write the manifest of *job*, whose outputs are written, and end the job."""
        self._write_manifest(job, storage)
        self._end(job, status, storage)

    def _write_manifest(self, job: Job, storage: Storage) -> None:
        ended = self._store.get(job.id) or job
        if ended.total and ended.api == "bedrock":  # OpenAI's batches have no manifest
            write_manifest(ended, storage)

    def _end(
        self,
        job: Job,
        status: Status,
        storage: Storage,
        *,
        message: str = "",
        failure: dict[str, Any] | None = None,
    ) -> None:
        """Move *job* to its final state and clean up; keep its files if its state has changed meanwhile."""
        if job.id in self._inherited:
            abort_strays(job, storage, self.settings)
        if not self._store.move(job.id, to=status, only_from=[job.status], message=message, failure=failure):
            return
        remove_spool(self._spool, job.id)
        if any(file.upload_id for file in self._store.files(job.id)):
            ended = msgspec.structs.replace(job, status=status)
            abort_uploads(ended, store=self._store, storage=self._storage(ended))
