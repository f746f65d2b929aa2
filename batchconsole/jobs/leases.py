"""Take the next step of a row: one worker at a time, by a lease with a token on the row's due time.

1. A row with something to do has a due time. When that time comes, the clock hands the row out and moves the due time
   forward, so that a lost message is sent again.
2. A worker takes the lease with one UPDATE, which only one caller wins. It writes the worker's token and moves the due
   time forward before anything risky happens. A worker that dies at any moment leaves a row that becomes due again.
3. The worker keeps the row by renewing the lease. Every write checks the token, so a worker that has lost the row
   writes nothing: it gets :class:`LeaseLost` and stops.
4. The worker ends the lease with the result of the step and the due time of the next one.

A failure that the step does not handle, an AwsError or a UserError, goes to the step's failure handler. So does the
loss of :data:`MOST_LOSSES` workers in a row: the cause would end the next worker too.

Locks are taken in one order, which ``jobs/locks.py`` lists.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from batchconsole import log_context
from batchconsole.aws.errors import AwsError
from batchconsole.counts import COUNTS, STEP_SECONDS
from batchconsole.jobs import budgets
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.queue import turns
from batchconsole.jobs.signals import nudge

logger = logging.getLogger(__name__)

# Celery's queues: short steps, and steps that may read gigabytes.
CONTROL, SCAN = "control", "scan"
# How long a message may wait for a worker before another one is sent; messages expire after the same time.
NUDGE = timedelta(seconds=60)
# Longer than all attempts of one call: three times 3 s to connect and 60 s to read, plus the pauses between them.
HOLD = timedelta(minutes=5)
RENEW_SECONDS = 2
MOST_LOSSES = 5
# How many rows of one person are handed out at once if rows take turns.
MOST_OF_A_PERSON = 4
WORKER_LOST = "WorkerLost"
# No pause and no lease is longer than this, unless its step says so. A due time further ahead was written by a clock
# that has been set back since, and counts as due now.
FARTHEST = timedelta(minutes=20)

Row = TypeVar("Row", bound=models.Model)
Result = TypeVar("Result")
Failure = AwsError | UserError


class LeaseLost(Exception):
    """Another worker has taken the row, or a person has ended its step: stop and write nothing."""


@dataclass
class Lease:
    """The right to take the due step of *row* until ``until``."""

    step: "Step[Any, Any]"
    row: models.Model
    token: str
    until: datetime
    renewed_at: float = field(default_factory=time.monotonic)
    is_over: bool = False
    outcome: str = "done"  # for the counts: also failed, lost, or error, for what the step does not expect

    def renew(self, **fields: Any) -> None:
        """Renew the lease and write *fields*, at most every RENEW_SECONDS; call it with every chunk.

        Raises :class:`LeaseLost`, also if it is another person's turn: then the row waits, and its step starts over
        later.
        """
        if time.monotonic() - self.renewed_at < RENEW_SECONDS:
            return
        if self.step.waits is not None and turns.is_over(self.step, self.row):
            self.end(due_at=timezone.now() + turns.PAUSE, **self.step.waits)
            raise LeaseLost
        self.write(**fields)

    def write(self, **fields: Any) -> None:
        """Renew the lease and write *fields*. Raises :class:`LeaseLost`."""
        until = timezone.now() + self.step.hold
        self._update(fields | self.step.columns(due_at=until))
        self.until, self.renewed_at = until, time.monotonic()

    def check(self) -> None:
        """Check that this worker still holds the row, and lock it until the surrounding transaction ends.

        Raises :class:`LeaseLost`.
        """
        if not self._mine().select_for_update(no_key=True).values_list("pk"):
            raise LeaseLost

    def end(self, *, due_at: datetime | None, **fields: Any) -> None:
        """End the lease and write *fields*; *due_at* is the due time of the next step. Raises :class:`LeaseLost`."""
        self._update(fields | self.step.columns(due_at=due_at, lease="", losses=0))
        self.is_over = True

    def give_back(self) -> None:
        """End the lease if the step has not. If the step has not set a due time, it is due again after NUDGE."""
        if self.is_over:
            return
        said_nothing = When(**self.step.columns(due_at=self.until), then=Value(timezone.now() + NUDGE))
        due_at = Case(said_nothing, default=F(f"{self.step.prefix}due_at"))
        self._mine().update(**self.step.columns(due_at=due_at, lease="", losses=0))

    def _mine(self) -> models.QuerySet[models.Model]:
        return _table(self.step.model).filter(pk=self.row.pk, **self.step.columns(lease=self.token))

    def _update(self, fields: dict[str, Any]) -> None:
        if not self._mine().update(**fields):
            raise LeaseLost
        for name, value in fields.items():
            setattr(self.row, name, value)


@dataclass(kw_only=True)
class Step(Generic[Row, Result]):
    """One kind of step: what it does to a row, in which of Celery's queues, and how long its lease is.

    Call it with a row to take the step now, unless another worker holds the row. ``where`` selects the rows that have
    this step; ``prefix`` starts the names of the lease's columns in a table with several steps; ``farthest`` limits how
    far ahead the step is ever due. A step with ``waits`` is a long one: its rows take turns, person by person
    (``jobs/queue/turns.py``), and its memory and time are limited (``jobs/budgets.py``); ``waits`` holds the fields to
    write into a row whose turn is over.
    """

    do: Callable[..., Result]
    model: type[Row]
    queue: str
    hold: timedelta
    where: Q
    prefix: str
    farthest: timedelta
    rows_due: Callable[[datetime], Iterable[Row]] | None
    waits: dict[str, Any] | None
    fail: Callable[[Row, Lease, Failure], object] | None = None

    @property
    def name(self) -> str:
        """The name of the function, which is also the name of the task."""
        return self.do.__name__

    def columns(self, **fields: Any) -> dict[str, Any]:
        """Return the lease's *fields* under their column names in the table."""
        return {self.prefix + name: value for name, value in fields.items()}

    def on_failure(self, fail: Callable[[Row, Lease, Failure], object]) -> Callable[[Row, Lease, Failure], object]:
        """Register *fail* as the handler of errors that the step raises; it decides whether to retry. A decorator."""
        self.fail = fail
        return fail

    def rows(self) -> Any:
        """The rows that have this step, in enabled connections."""
        return self.model.objects.enabled().filter(self.where)  # type: ignore[attr-defined] # each model here has it

    def due(self, now: datetime) -> Iterable[Row]:
        """The rows whose step is due, longest overdue first."""
        if self.rows_due:
            return self.rows_due(now)
        # Mostly nothing is due, and building the query below takes many times as long as asking for that.
        if not _table(self.model).filter(self._run_out(now)).exists():
            return ()
        due = self.rows().filter(self._run_out(now))
        if self.waits is not None:
            place = Window(RowNumber(), partition_by=F("created_by"), order_by=F("pk").asc())
            due = due.annotate(place=place).filter(place__lte=MOST_OF_A_PERSON)
        return due.order_by(f"{self.prefix}due_at")  # type: ignore[no-any-return] # any model's

    def hand_out(self, row: Row, now: datetime) -> bool:
        """Send the row to a worker; return False if another clock was faster."""
        seen = self.columns(due_at=getattr(row, f"{self.prefix}due_at"))
        changes = self.columns(due_at=now + NUDGE, lease="", losses=self._losses())
        if not _table(self.model).filter(pk=row.pk, **seen).update(**changes):
            return False
        nudge(self.name, row.pk)
        return True

    def run(self, pk: int) -> None:
        """Take the step of the row *pk*; do nothing if the row is gone or its connection is disabled."""
        row = self.rows().filter(pk=pk).first()
        if row is not None:
            self(row)

    def __call__(self, row: Row, **options: Any) -> Result | None:
        """Take the step of *row*, which is reloaded. Return None if the step could not be taken or has failed."""
        lease = self.take(row)
        if lease is None:
            return None
        with log_context.logged_with(step_id=f"{self.name}-{row.pk}", job_id=self._job_id(row)):
            try:
                with timed(lease):
                    result = self._do(row, lease, options)
            except LeaseLost:
                logger.info("%s of %s %s goes on elsewhere.", self.name, self.model.__name__, row.pk)
                return None
        lease.give_back()
        return result

    def _job_id(self, row: Row) -> Any:
        return row.pk if self.model._meta.model_name == "batchjob" else getattr(row, "job_id", None)

    def take(self, row: Row) -> Lease | None:
        """Take the lease of *row*, which is reloaded. Return None if another worker holds it or no step is due."""
        if self.waits is not None and not turns.may_begin(self, row):
            self._wait_for_turn(row)
            return None
        now = timezone.now()
        token, until = secrets.token_hex(8), now + self.hold
        free = Q(**self.columns(lease="", due_at__isnull=False)) | self._run_out(now)
        changes = self.columns(due_at=until, lease=token, losses=self._losses())
        # Conditions here must not query another table: PostgreSQL would not evaluate those again after waiting for the
        # row.
        if not _table(self.model).filter(self.where, free, pk=row.pk).update(**changes):
            return None
        row.refresh_from_db()
        return Lease(self, row, token, until)

    def _do(self, row: Row, lease: Lease, options: dict[str, Any]) -> Result | None:
        try:
            if self.fail and getattr(row, f"{self.prefix}losses") >= MOST_LOSSES:
                raise self._worker_lost()
            with budgets.bounded(settings.STEP_TIME if self.waits is not None else None):
                return self.do(row, lease, **options)
        except (AwsError, UserError) as error:
            if self.fail is None:
                raise
            lease.outcome = "failed"
            self.fail(row, lease, error)
            return None

    def _worker_lost(self) -> AwsError:
        return AwsError(
            f"The worker ended before the step did, {MOST_LOSSES} times.",
            code=WORKER_LOST,
            operation=self.name,
            hint=f"The log of the {self.queue} worker tells why; it may need more memory.",
        )

    def _wait_for_turn(self, row: Row) -> None:
        free = _table(self.model).filter(self.where, pk=row.pk, **self.columns(lease="", due_at__isnull=False))
        free.update(**self.columns(due_at=timezone.now() + turns.PAUSE))

    def _run_out(self, now: datetime) -> Q:
        return is_due(now, f"{self.prefix}due_at", farthest=self.farthest)

    def _losses(self) -> Case:
        """Return the new count of lost workers: one more if the row still has a lease, whose worker must have died."""
        losses = F(f"{self.prefix}losses")
        return Case(When(**self.columns(lease=""), then=losses), default=losses + 1)


@contextmanager
def timed(lease: Lease) -> Iterator[None]:
    """Count the step that the block takes, with its seconds and its outcome."""
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        lease.outcome = "lost" if isinstance(error, LeaseLost) else "error"
        raise
    finally:
        COUNTS.observe(STEP_SECONDS, lease.step.name, lease.outcome, seconds=time.monotonic() - started)


def step(
    model: type[Row],
    *,
    queue: str,
    where: Q | None = None,
    hold: timedelta = HOLD,
    prefix: str = "",
    farthest: timedelta = FARTHEST,
    rows_due: Callable[[datetime], Iterable[Row]] | None = None,
    waits: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Result]], Step[Row, Result]]:
    """Turn a function of a row and its lease into a :class:`Step`; *rows_due* replaces the query for the due rows."""

    def declare(do: Callable[..., Result]) -> Step[Row, Result]:
        declared = Step(
            do=do,
            model=model,
            queue=queue,
            where=where or Q(),
            hold=hold,
            prefix=prefix,
            farthest=farthest,
            rows_due=rows_due,
            waits=waits,
        )
        if waits is not None:
            turns.declare(declared)
        return declared

    return declare


def is_due(now: datetime, column: str = "due_at", *, farthest: timedelta = FARTHEST) -> Q:
    """Return the condition that the time in *column* has come, or is too far ahead to be valid."""
    return Q(**{f"{column}__lte": now}) | Q(**{f"{column}__gt": now + farthest})


def is_not_due(now: datetime, column: str = "due_at") -> Q:
    """Return the condition that the time in *column* is still to come."""
    return Q(**{f"{column}__gt": now, f"{column}__lte": now + FARTHEST})


def _table(model: type[models.Model]) -> models.QuerySet[models.Model]:
    return model._base_manager.get_queryset()
