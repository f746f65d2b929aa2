"""Turn the file of a batch into records, an input for each model, and create the jobs: the first step of a batch."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import ObjectWriter
from batchconsole.jobs import origin
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.job_rules import find_problems
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.lifecycle import create_job
from batchconsole.jobs.models import Connection, Event, OpenAIBatch, OpenAIBatchJob, Verb
from batchconsole.jobs.openai.batches import State, job_request, records_uri
from batchconsole.jobs.openai.places import model_for
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.s3.input_objects import Reader
from batchconsole.records.bodies import SHAPES
from batchconsole.records.fingerprints import fingerprints
from batchconsole.records.lines import batches
from batchconsole.records.making import Made
from batchconsole.records.openai_lines import BadLine, Line, make_record, read_line
from batchconsole.records.repair import BOM

logger = logging.getLogger(__name__)

MOST_JOBS = 16  # each has a part of its input in memory
MOST_REQUESTS = 2_000_000  # forty full jobs; the id of each is in memory while the file is read
MOST_ERRORS = 100
KEPT_NAMES = 1000
MOST_FAILURES = 5
MOST_LINE_BYTES = 32 * 2**20  # of JSON, which takes ten times as much memory once decoded
FOLLOW_AFTER = timedelta(seconds=1)
Error = dict[str, str | int | None]


class Refused(Exception):
    """The batch cannot run; ``errors`` says why, as OpenAI tells it."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


def error(message: str, *, code: str, param: str | None = None, line: int | None = None) -> Error:
    """Return one error of a batch; *line* counts from 1."""
    return {"code": code, "message": message, "param": param, "line": line}


class Input:
    """The input of one job: the records for one model in one format."""

    def __init__(self, batch: OpenAIBatch, *, number: int, model_id: str, shape: str, line: int) -> None:
        self.number, self.model_id, self.shape = number, model_id, shape
        self.first_line = line
        self.records = 0
        uri = records_uri(batch, number)
        self.writer = ObjectWriter(batch.connection.target, *parse_s3_uri(uri))

    def write(self, record: Made) -> None:
        self.writer.write(record.line)
        self.records += 1


class Conversion:
    """One pass over the file of *batch*, which writes the inputs and collects what is wrong."""

    def __init__(self, batch: OpenAIBatch) -> None:
        self.batch = batch
        self.inputs: dict[tuple[str, str], Input] = {}
        self.errors: list[Error] = []
        self.ids: set[int] = set()
        self.model_for = lru_cache(KEPT_NAMES)(lambda name: model_for(batch.connection, name))

    def read(self, number: int, data: bytes) -> None:
        """Take the line *number* of the file. Once there are errors, lines are checked and no longer written."""
        try:
            line = read_line(data, self.batch.endpoint)
            self._require_new(line)
            model_id = self._model_of(line)
            shape, record = make_record(line, model_id)
            if not self.errors:
                self._input(model_id, shape, number).write(record)
        except BadLine as bad:
            self.errors.append(error(str(bad), code=bad.code, param=bad.param, line=number))

    def _require_new(self, line: Line) -> None:
        mark = next(fingerprints([line.custom_id]))
        if mark in self.ids:
            message = f"The custom_id {line.custom_id[:80]!r} is used more than once."
            raise BadLine(message, code="duplicate_custom_id", param="custom_id")
        if len(self.ids) >= MOST_REQUESTS:
            message = f"The file has more than {MOST_REQUESTS:,} requests. Split it into several batches."
            raise Refused([error(message, code="too_many_requests", param="input_file_id")])
        self.ids.add(mark)

    def _model_of(self, line: Line) -> str:
        found = self.model_for(line.model)
        if not found:
            message = (
                f"The model {line.model[:80]!r} stands for no model of Bedrock. "
                "An administrator of the connection maps it, or the line names a model id of Bedrock."
            )
            raise BadLine(message, code="model_not_found", param="body.model")
        return found

    def _input(self, model_id: str, shape: str, line: int) -> Input:
        key = (model_id, shape)
        if key not in self.inputs:
            if len(self.inputs) >= MOST_JOBS:
                message = f"The file asks for more than {MOST_JOBS} models or record formats."
                raise BadLine(f"{message} Split it into several batches.", code="too_many_models", param="body.model")
            number = len(self.inputs) + 1
            self.inputs[key] = Input(self.batch, number=number, model_id=model_id, shape=shape, line=line)
        return self.inputs[key]

    def abort(self) -> None:
        for each in self.inputs.values():
            each.writer.abort()

    def finish(self) -> None:
        for each in self.inputs.values():
            each.writer.finish()


# Longer than the longest silence of S3: three attempts of a minute.
@step(OpenAIBatch, queue=SCAN, where=Q(state=State.VALIDATING), hold=timedelta(minutes=4), waits={})
def convert_batch(batch: OpenAIBatch, lease: Lease) -> None:
    """Make the inputs of *batch* and create its jobs, or let it fail with what is wrong.

    A worker that is lost on the way leaves objects that the next one overwrites. All jobs are created in the
    transaction that ends the step.
    """
    try:
        conversion = _convert(batch, lease)
        _create_jobs(batch, lease, list(conversion.inputs.values()))
    except Refused as refused:
        fail_batch(lease, refused.errors)


def _convert(batch: OpenAIBatch, lease: Lease) -> Conversion:
    conversion = Conversion(batch)
    try:
        for number, data in numbered_lines(batch):
            conversion.read(number, data)
            if len(conversion.errors) >= MOST_ERRORS:
                break
            lease.renew()
        if not conversion.errors and not conversion.inputs:
            conversion.errors.append(error("The file has no request.", code="empty_file", param="input_file_id"))
        if conversion.errors:
            raise Refused(conversion.errors)
        conversion.finish()
    except BaseException:
        conversion.abort()
        raise
    return conversion


def numbered_lines(batch: OpenAIBatch) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of the file of *batch* that are not blank, with their numbers. Raises Refused and AwsError."""
    target, (bucket, key) = batch.connection.target, parse_s3_uri(batch.input_s3_uri)
    item = s3.head_object(target, bucket, key)
    if batch.input_etag and item.etag != batch.input_etag:
        raise Refused([error("The file has changed since it was uploaded.", code="invalid_file")])
    number = 0
    for found in batches(Reader(target, bucket).open(item), max_line_bytes=MOST_LINE_BYTES):
        for number, data in enumerate(found.lines, number + 1):  # noqa: B020 - goes on counting from batch to batch
            if found.cut:
                message = f"The line is longer than {MOST_LINE_BYTES:,} bytes."
                raise Refused([error(message, code="invalid_json_line", line=number)])
            content = (data.removeprefix(BOM) if number == 1 else data).strip()
            if content:
                yield number, content


def _create_jobs(batch: OpenAIBatch, lease: Lease, inputs: list[Input]) -> None:
    """Create a job for each of *inputs* by the form's verb, all or none. Raises Refused."""
    batch.refresh_from_db(fields=["created_by"])
    with origin.coming_from(origin.Origin(api_key=batch.api_key)), transaction.atomic():
        Connection.objects.lock(batch.connection_id)
        for each in inputs:
            _create_job(batch, each)
        now = timezone.now()
        count = sum(each.records for each in inputs)
        lease.end(due_at=now + FOLLOW_AFTER, state=State.IN_PROGRESS, request_count=count, failures=0)


def _create_job(batch: OpenAIBatch, each: Input) -> None:
    kind = SHAPES[each.shape].invocation_type
    request = job_request(batch, number=each.number, model_id=each.model_id, invocation_type=kind)
    problems = find_problems(batch.connection, request)
    if problems:
        raise Refused([_told(problem.message, field=problem.field, line=each.first_line) for problem in problems])
    try:
        job = create_job(connection=batch.connection, actor=batch.created_by, request=request, check_input=True)
    except NotAllowed as refused:
        raise Refused([_told(sentences(refused), field=refused.field, line=each.first_line)]) from refused
    OpenAIBatchJob.objects.create(batch=batch, job=job, request_count=each.records)
    data = {"s3_uri": request.input_s3_uri, "records": each.records}
    Event.objects.create(connection=batch.connection, actor=batch.created_by, verb=Verb.INPUT_MADE, data=data)


def _told(message: str, *, field: str, line: int) -> Error:
    if field == "model_id":
        return error(message, code="invalid_model", param="body.model", line=line)
    return error(message, code="permission_denied", param=field or None)


def sentences(found: Failure) -> str:
    """Return what *found* says and what to do about it."""
    return " ".join(text for text in (found.message, found.hint) if text)


def fail_batch(lease: Lease, errors: list[Error]) -> None:
    """End a batch as failed."""
    lease.end(due_at=None, state=State.FAILED, ended_at=timezone.now(), errors=errors[:MOST_ERRORS])


@convert_batch.on_failure
def _not_converted(batch: OpenAIBatch, lease: Lease, found: Failure) -> None:
    """Try again while S3 is away, some times if it refuses; then let the batch fail."""
    failures = batch.failures + 1
    if isinstance(found, AwsError) and (found.retryable or failures < MOST_FAILURES) and not _is_gone(found):
        logger.warning("Batch %s waits for its file: %s", batch.batch_id, found)
        lease.end(due_at=timezone.now() + scheduling.pause(found, failures), failures=failures)
        return
    fail_batch(lease, [error(sentences(found), code="invalid_file" if _is_gone(found) else "server_error")])


def _is_gone(found: Failure) -> bool:
    return isinstance(found, AwsError) and found.code in {"NotFound", "NoSuchKey", "NoSuchBucket"}
