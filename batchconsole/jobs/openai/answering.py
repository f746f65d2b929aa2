"""Write the answers of a batch in OpenAI's shape: the last step, once all of its jobs have ended.

One pass over the program's file: its lines come in the same order as the records of each job, so the next answer of one
of the jobs belongs to the next line. Memory holds a part of either file.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import ObjectWriter
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import BatchJob, OpenAIBatch, OpenAIFile, Status
from batchconsole.jobs.openai.batches import State
from batchconsole.jobs.openai.conversion import (
    MOST_FAILURES,
    Error,
    Refused,
    error,
    fail_batch,
    numbered_lines,
    sentences,
)
from batchconsole.jobs.openai.files import new_file_id
from batchconsole.jobs.openai.following import jobs_of
from batchconsole.jobs.outputs.result_pages import output_files
from batchconsole.jobs.outputs.results import input_files
from batchconsole.jobs.queue import scheduling
from batchconsole.records.families import family_for
from batchconsole.records.joining import JoinedRow, Run, join_in_order
from batchconsole.records.message_results import message_result, message_without_answer
from batchconsole.records.openai_answers import Reply, answered, unanswered
from batchconsole.records.openai_lines import MESSAGES, Line, read_line
from batchconsole.records.retry import Outcome

logger = logging.getLogger(__name__)

EXPIRED = frozenset({Status.EXPIRED, Status.PARTIALLY_COMPLETED})
STOPPED = frozenset({Status.STOPPED, Status.CANCELLED})
FAILED = frozenset({Status.FAILED, Status.REJECTED, Status.SUBMIT_FAILED})


class Answers:
    """The answers of one job, in the order of its records."""

    def __init__(self, job: BatchJob) -> None:
        self.job = job
        outputs = output_files(job) if job.results == BatchJob.Results.READY else []
        run = Run(input_files(job), outputs, family_for(job.model_id, job.model_invocation_type))
        self._rows = join_in_order([run])
        self._next = next(self._rows, None)

    def take(self, custom_id: str) -> JoinedRow | None:
        """Return the next row if it is that of *custom_id*."""
        row = self._next
        if row is None or row.record.record_id != custom_id:
            return None
        self._next = next(self._rows, None)
        return row


class Files:
    """The output and the error file of *batch* while they are written, with the sums of what is in them."""

    def __init__(self, batch: OpenAIBatch) -> None:
        self.batch = batch
        self.writers = {name: self._writer(name) for name in ("output", "errors")}
        self.counts = {"completed_count": 0, "failed_count": 0}
        self.kinds: Counter[str] = Counter()
        self.tokens = {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0}

    def uri(self, name: str) -> str:
        return f"{self.batch.folder}{name}.jsonl"

    def _writer(self, name: str) -> ObjectWriter:
        return ObjectWriter(self.batch.connection.target, *parse_s3_uri(self.uri(name)))

    def write(self, reply: Reply) -> None:
        self.writers["errors" if reply.is_error and not reply.kind else "output"].write(reply.line)
        self.kinds[reply.kind] += 1
        self.counts["failed_count" if reply.is_error else "completed_count"] += 1
        self.tokens["input_tokens"] += reply.usage.input
        self.tokens["cached_tokens"] += reply.usage.cached
        self.tokens["output_tokens"] += reply.usage.output

    def abort(self) -> None:
        for writer in self.writers.values():
            writer.abort()

    def finish(self) -> dict[str, OpenAIFile]:
        """Let the files that have a line appear, and return their unsaved rows."""
        return {name: self._finish(name) for name, writer in self.writers.items() if writer.size}

    def _finish(self, name: str) -> OpenAIFile:
        self.writers[name].finish()
        item = s3.head_object(self.batch.connection.target, *parse_s3_uri(self.uri(name)))
        return OpenAIFile(
            connection=self.batch.connection,
            created_by=self.batch.created_by,
            file_id=new_file_id(),
            filename=f"{self.batch.batch_id}_{name}.jsonl",
            bytes=item.size,
            purpose=OpenAIFile.Purpose.BATCH_OUTPUT,
            s3_uri=self.uri(name),
            etag=item.etag,
        )


# Longer than the longest silence of S3: three attempts of a minute.
@step(OpenAIBatch, queue=SCAN, where=Q(state=State.FINALIZING), hold=timedelta(minutes=4), waits={})
def write_answers(batch: OpenAIBatch, lease: Lease) -> None:
    """Write the output and error files of *batch* and end it. The next worker overwrites what a lost one left."""
    jobs = jobs_of(batch)
    state = outcome(batch, jobs)
    files = Files(batch)
    try:
        if state != State.FAILED or _is_messages(batch) or any(job.success_record_count for job in jobs):
            for reply in _replies(batch, jobs):
                files.write(reply)
                lease.renew()
        rows = files.finish()
    except Refused as refused:
        files.abort()
        fail_batch(lease, refused.errors)
        return
    except BaseException:
        files.abort()
        raise
    _end(lease, state, jobs, files=files, rows=rows)


def _end(
    lease: Lease, state: OpenAIBatch.State, jobs: list[BatchJob], *, files: Files, rows: dict[str, OpenAIFile]
) -> None:
    ids = {"output": "output_file_id", "errors": "error_file_id"}
    named = {ids[name]: row.file_id for name, row in rows.items()}
    errors = errors_of(jobs) if state == State.FAILED else []
    known = {"metadata": dict(files.kinds)} if _is_messages(files.batch) else {}
    with transaction.atomic():
        now = timezone.now()
        values = named | files.counts | files.tokens | known
        lease.end(due_at=None, state=state, ended_at=now, errors=errors, **values)
        if not known:  # OpenAI's are files that programs list
            OpenAIFile.objects.bulk_create(rows.values())


def _is_messages(batch: OpenAIBatch) -> bool:
    return batch.endpoint == MESSAGES


def outcome(batch: OpenAIBatch, jobs: list[BatchJob]) -> OpenAIBatch.State:
    """Return the state in which *batch* ends; it fails if each of its jobs has."""
    statuses = {Status(job.status) for job in jobs}
    if batch.cancelling_at:
        return State.CANCELLED
    if statuses <= FAILED:
        return State.FAILED
    if statuses & EXPIRED:
        return State.EXPIRED
    return State.CANCELLED if statuses <= FAILED | STOPPED else State.COMPLETED


def errors_of(jobs: list[BatchJob]) -> list[Error]:
    """Return why each of the failed *jobs* failed."""
    codes = {Status.REJECTED: "invalid_input", Status.SUBMIT_FAILED: "submission_failed"}
    return [
        error(_why(job), code=codes.get(Status(job.status), "batch_failed"), param="input_file_id")
        for job in jobs
        if job.status in FAILED
    ]


def _why(job: BatchJob) -> str:
    said = " ".join(text for text in (job.message, job.hint) if text)
    return f"{job.model_id}: {said or job.get_status_display()}"


def _replies(batch: OpenAIBatch, jobs: list[BatchJob]) -> Iterator[Reply]:
    created = int((batch.finalizing_at or timezone.now()).timestamp())
    answers = [Answers(job) for job in jobs]
    for _, data in numbered_lines(batch):
        line = read_line(data, batch.endpoint)
        found = next(((each.job, row) for each in answers if (row := each.take(line.custom_id))), None)
        if found and found[1].outcome != Outcome.UNANSWERED:
            job, row = found
            if _is_messages(batch):
                yield message_result(line, row.record, batch_id=batch.batch_id)
                continue
            yield answered(line, row.record, model_id=job.model_id, batch_id=batch.batch_id, created=created)
        else:
            yield _unanswered(batch, line, found[0] if found else None)


def _unanswered(batch: OpenAIBatch, line: Line, job: BatchJob | None) -> Reply:
    code, message = "server_error", "The answer to this request could not be read."
    if job and job.status in EXPIRED:
        code = "batch_expired"
        message = "This request could not be executed before the completion window expired."
    elif job and job.status in STOPPED:
        code, message = "batch_cancelled", "This request was not executed, because the batch was cancelled."
    elif job and job.status in FAILED:
        code, message = "batch_failed", _why(job)
    if _is_messages(batch):
        return message_without_answer(line, code=code, message=message)
    return unanswered(line, batch_id=batch.batch_id, code=code, message=message)


@write_answers.on_failure
def _not_written(batch: OpenAIBatch, lease: Lease, found: Failure) -> None:
    """Try again while S3 is away, and some times if it refuses; then let the batch fail with the reason."""
    failures = batch.failures + 1
    if isinstance(found, AwsError) and (found.retryable or failures < MOST_FAILURES):
        logger.warning("The answers of batch %s are not written: %s", batch.batch_id, found)
        lease.end(due_at=timezone.now() + scheduling.pause(found, failures), failures=failures)
        return
    fail_batch(lease, [error(sentences(found), code="server_error")])
