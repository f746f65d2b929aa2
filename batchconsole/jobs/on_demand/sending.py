"""Sending the records of one job to its model: a few at a time, each answer stored as it comes.

Threads call AWS; the database is used by the worker's own thread only.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.invocation import Answer, invoke
from batchconsole.aws.session import Target
from batchconsole.jobs.leases import RENEW_SECONDS, Lease
from batchconsole.jobs.models import BatchJob, Status
from batchconsole.jobs.on_demand.output import keep_lines
from batchconsole.records.on_demand import BAD_REQUEST, Record, answered_line, failed_line

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# How often a record is sent for which AWS breaks off with an error of its own, before that is the record's outcome.
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
BAD_ANSWER = 502
NOT_JSON = "The model's answer is not JSON."


class Outcome(NamedTuple):
    """The output line of a record, and whether it holds an error."""

    line: bytes
    is_error: bool


class TurnedAway(Exception):
    """AWS answers no record now: ``error`` says why, ``retry_after`` when to try again, in seconds, if AWS said."""

    def __init__(self, error: AwsError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


class Sending:
    """One worker's turn with *job*: it ends when every record has its line, after *seconds*, or when it must.

    ``trouble`` says why AWS answers no record now; ``is_stopped`` whether a person stops the job.
    """

    def __init__(self, job: BatchJob, lease: Lease, *, seconds: float) -> None:
        self.job = job
        self.lease = lease
        self.ends_at = time.monotonic() + seconds
        self.trouble: TurnedAway | None = None
        self.is_stopped = False
        self.answered = 0

    def send(self, records: Iterable[Record]) -> bool:
        """Send *records* and return whether each has its line now. Raises LeaseLost and what reading raises."""
        job = self.job
        asked = (job.connection.target, job.model_id, job.model_invocation_type)
        answer = partial(outcome_of, *asked, may_repeat=lambda: not self.is_stopped)
        threads = ThreadPoolExecutor(settings.ON_DEMAND_AT_ONCE, thread_name_prefix="on-demand")
        coming: dict[Future[Outcome], Record] = {}
        try:
            is_whole = True
            for record in records:
                self._make_room(coming)
                if self._must_end():
                    is_whole = False
                    break
                coming[threads.submit(answer, record)] = record
            while coming:
                self._collect(coming)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        return is_whole and self.trouble is None

    def _must_end(self) -> bool:
        return self.is_stopped or self.trouble is not None or time.monotonic() >= self.ends_at

    def _make_room(self, coming: dict[Future[Outcome], Record]) -> None:
        while len(coming) >= settings.ON_DEMAND_AT_ONCE:
            self._collect(coming)

    def _collect(self, coming: dict[Future[Outcome], Record]) -> None:
        """Wait a moment for answers of *coming*, take out those that have come, and store them."""
        done, _ = wait(coming, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        outcomes = []
        for future in done:
            record = coming.pop(future)
            try:
                outcomes.append((record, future.result()))
            except TurnedAway as error:
                self.trouble = error
        self._keep(outcomes)

    def _keep(self, outcomes: list[tuple[Record, Outcome]]) -> None:
        """Store the lines of *outcomes* and their counts in one transaction, or just keep the lease."""
        if outcomes:
            failed = sum(outcome.is_error for _, outcome in outcomes)
            with transaction.atomic():
                self.lease.check()
                keep_lines(self.job, ((record, outcome.line) for record, outcome in outcomes))
                self.lease.write(**self._counts(len(outcomes), failed))
            self.answered += len(outcomes)
        elif time.monotonic() - self.lease.renewed_at > RENEW_SECONDS:
            self.lease.write()
        self.is_stopped = BatchJob.objects.filter(pk=self.job.pk, status=Status.STOPPING).exists()

    def _counts(self, more: int, failed: int) -> dict[str, object]:
        now, job = timezone.now(), self.job
        return {
            "processed_record_count": (job.processed_record_count or 0) + more,
            "success_record_count": (job.success_record_count or 0) + more - failed,
            "error_record_count": (job.error_record_count or 0) + failed,
            "last_modified_time": now,
            "modified_at": now,
            "message": "",
            "error_code": "",
            "hint": "",
        }


def outcome_of(
    target: Target, model_id: str, invocation_type: str, record: Record, *, may_repeat: Callable[[], bool]
) -> Outcome:
    """Send *record* and return its output line: with the model's answer, or with the error that the record got.

    *may_repeat* is asked before a record is sent again for which AWS broke off. Raises :class:`TurnedAway`.
    """
    if record.problem:
        return Outcome(failed_line(record, BAD_REQUEST, record.problem), is_error=True)
    answer = _answer(target, model_id, invocation_type, record.body, may_repeat)
    if answer.is_later or answer.is_denied:
        raise TurnedAway(answer.as_error(invocation_type, model_id=model_id), answer.retry_after)
    if not answer.is_answer:
        return Outcome(failed_line(record, answer.status, answer.message), is_error=True)
    try:
        return Outcome(answered_line(record, answer.body), is_error=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Outcome(failed_line(record, BAD_ANSWER, NOT_JSON), is_error=True)


def _answer(target: Target, model_id: str, invocation_type: str, body: bytes, may_repeat: Callable[[], bool]) -> Answer:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = invoke(target, model_id, invocation_type, body)
        except AwsError as error:
            raise TurnedAway(error) from error
        if not answer.is_broken_off:
            break
        logger.info("The model broke off with %s, attempt %s: %s", answer.status, attempt, answer.message)
        if attempt == ATTEMPTS or not may_repeat():
            break
        time.sleep(PAUSE_SECONDS * attempt)
    return answer
