"""What came of a job: its output read once when it ends, and any page of it again later by a few ranged reads."""

import logging
import time
from array import array
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs import prices, scheduling
from batchconsole.jobs.access import require, require_on_job, require_places
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.input_objects import Reader, list_input, read_span
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import ENDED_ON_AWS, Actor, BatchJob, ResultFile, ResultIndex, Right, Status, Verb
from batchconsole.jobs.signals import nudge
from batchconsole.records.families import AnyFamily, family_for
from batchconsole.records.files import InputFile
from batchconsole.records.index import Index, Place, fetch
from batchconsole.records.matching import ALONE, Pairing, pair
from batchconsole.records.results import (
    Manifest,
    Record,
    Scan,
    Totals,
    read_input_line,
    read_line,
    read_manifest,
    scan,
)
from batchconsole.records.searching import find_text
from batchconsole.records.selecting import EVERYTHING, UNANSWERED, Wanted, positions

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json.out"
MANIFEST_BYTES = 1 << 20  # Some hundred are usual; whatever is larger is not a manifest.
# These may end before anything is written.
MAY_HAVE_NO_OUTPUT = frozenset({Status.FAILED, Status.EXPIRED, Status.STOPPED})
# The objects are not those that were listed. Listing them again helps.
CHANGED = frozenset({"PreconditionFailed", "NoSuchKey", "InvalidRange"})
# Of output whose input is read, too, only to show answers in its order: seconds of a worker's time.
ORDERED_BYTES = 512 * 2**20
SEARCH_SECONDS = 8  # how long a page may look for a text


@dataclass(frozen=True)
class ResultRow:
    """One record of a page and its number in the whole output, counted from 0."""

    position: int
    record: Record


@dataclass(frozen=True)
class ResultPage:
    """One page of a job's records; ``count`` is how many there are on all pages."""

    number: int
    size: int
    count: int
    rows: list[ResultRow] = field(default_factory=list)


def output_folder(job: BatchJob) -> tuple[str, str]:
    """Bucket and prefix that AWS writes the output of *job* to, which has an ARN; the prefix ends in a slash."""
    return parse_s3_uri(job.output_folder)


def require_reading(actor: Actor, job: BatchJob) -> None:
    """Raise NotAllowed unless *actor* may read records and answers of *job*, and the connection what lies there."""
    require(actor, Right.READ, job.connection)
    require_places(job.connection, read=job.output_s3_uri)


def request_results(job: BatchJob, actor: Actor) -> None:
    """Have the output of an ended job read, for the first time or once more; raises :class:`UserError`."""
    require_on_job(actor, job)
    with transaction.atomic():
        ended = BatchJob.objects.filter(pk=job.pk, status__in=ENDED_ON_AWS).exclude(results=BatchJob.Results.PENDING)
        now = timezone.now()
        if not ended.update(results=BatchJob.Results.PENDING, results_error=None, due_at=now, modified_at=now):
            raise UserError("There are no results to read.", hint="The job has not ended, or they are being read.")
        job.record(Verb.RESULTS_REQUESTED, actor=actor)
        nudge("collect_results", job.pk)
    job.refresh_from_db()


@step(BatchJob, queue=SCAN, where=Q(status__in=ENDED_ON_AWS, results=BatchJob.Results.PENDING), waits={})
def collect_results(job: BatchJob, lease: Lease) -> None:
    """Read the whole output of an ended job: sums, cost, errors by message, and where each record lies.

    With S3 away it is tried again; an output that cannot be read is marked so, with the reason.
    """
    target, (bucket, prefix) = job.connection.target, output_folder(job)
    objects = [item for item in s3.iter_objects(target, bucket, prefix) if item.key.endswith(".out")]
    files = [item for item in objects if item.key != prefix + MANIFEST]
    manifest = _manifest(job, objects)
    if not objects and job.status in MAY_HAVE_NO_OUTPUT:
        _store(job, lease, BatchJob.Results.NONE)
        return
    if not objects:
        raise AwsError(
            f"There is no output at s3://{bucket}/{prefix}.",
            code="NoOutput",
            operation="ListObjectsV2",
            hint="It may have been moved or deleted. Put it back, then read the results again.",
        )
    reader = Reader(target, bucket)
    outputs = [InputFile(item.key.removeprefix(prefix), item.size, partial(reader.open, item)) for item in files]
    family = family_for(job.model_id, job.model_invocation_type)
    found = scan(outputs, family, progress=lambda totals: lease.renew())
    pairing = _pairing(job, found, outputs)
    rows = _rows(job, prefix, files)
    _store(job, lease, BatchJob.Results.READY, found=found, pairing=pairing, manifest=manifest, files=rows)


def input_files(job: BatchJob) -> list[InputFile]:
    """The files Bedrock reads at the input location of *job*; raises :class:`UserError` and AwsError."""
    files = list_input(job.connection.target, job.input_s3_uri).files
    return [file for file in files if file.name.endswith(".jsonl")]


def _is_complete(job: BatchJob, found: Scan) -> bool:
    return job.status == Status.COMPLETED and found.totals.records >= (job.total_record_count or 0)


def _pairing(job: BatchJob, found: Scan, outputs: list[InputFile]) -> Pairing | None:
    """Which record of the input each output answers, for what is unanswered and for the order of the input.

    ``None`` when the input is gone, which is no reason to do without the output, and when nothing is unanswered and
    only the order could be told, of files that are large.
    """
    complete = _is_complete(job, found)
    if complete and sum(file.size for file in outputs) > ORDERED_BYTES:
        return None
    try:
        return pair(input_files(job), outputs, output_index=found.index)
    except (AwsError, UserError) as error:
        if isinstance(error, AwsError) and error.retryable and not complete:
            raise
        logger.warning("What job %s left unanswered cannot be told: %s", job.pk, error)
        return None


def _unanswered(pairing: Pairing | None) -> bytes:
    """The places of the input's records, those without an output as errors; nothing when all have one."""
    if pairing is None or ALONE not in pairing.answers:
        return b""
    pairing.inputs.errors = array("I", (place for place, answer in enumerate(pairing.answers) if answer == ALONE))
    return pairing.inputs.pack()


def _input_order(pairing: Pairing | None) -> bytes:
    """All positions of the output, those of the answered input first, in its order."""
    if pairing is None:
        return b""
    answered = [answer for answer in pairing.answers if answer != ALONE]
    others = sorted(set(range(len(pairing.outputs))) - set(answered))
    return array("I", answered + others).tobytes()


def _manifest(job: BatchJob, objects: Iterable[s3.S3Object]) -> Manifest | None:
    """AWS's own figures; ``None`` when there are none or they cannot be understood, which is no reason to stop."""
    bucket, prefix = output_folder(job)
    found = next((item for item in objects if item.key == prefix + MANIFEST), None)
    if found is None or not 0 < found.size <= MANIFEST_BYTES:
        return None
    try:
        return read_manifest(s3.get_range(job.connection.target, bucket, found.key))
    except msgspec.DecodeError as error:
        logger.warning("The manifest of job %s cannot be read: %s", job.pk, error)
        return None


def _rows(job: BatchJob, prefix: str, files: Iterable[s3.S3Object]) -> list[ResultFile]:
    return [
        ResultFile(job=job, name=item.key.removeprefix(prefix), key=item.key, size=item.size, etag=item.etag)
        for item in files
    ]


def _store(
    job: BatchJob,
    lease: Lease,
    results: BatchJob.Results,
    *,
    found: Scan | None = None,
    pairing: Pairing | None = None,
    manifest: Manifest | None = None,
    files: Iterable[ResultFile] = (),
) -> None:
    figures = _figures(job, found.totals, manifest) if found else {}
    with transaction.atomic():
        lease.check()
        job.result_files.all().delete()
        ResultIndex.objects.filter(job=job).delete()
        ResultFile.objects.bulk_create(files)
        if found:
            totals = msgspec.json.encode(found.totals).decode()
            ResultIndex.objects.create(
                job=job,
                totals_json=totals,
                packed=found.index.pack(),
                inputs_packed=_unanswered(pairing),
                input_order_packed=_input_order(pairing),
            )
            job.record(Verb.RESULTS_READ, data={"records": found.totals.records, "errors": found.totals.failed})
        lease.end(due_at=None, results=results, results_error=None, modified_at=timezone.now(), **figures)


def _figures(job: BatchJob, totals: Totals, manifest: Manifest | None) -> dict[str, Any]:
    """Tokens and cost, and the counts that older jobs have only in their manifest or only in their output."""
    said = manifest or Manifest()
    counted = totals.records > totals.without_tokens + totals.failed
    input_tokens = _first(said.input_token_count, totals.input_tokens if counted else None)
    output_tokens = _first(said.output_token_count, totals.output_tokens if counted else None)
    return {
        "manifest": {name: value for name, value in msgspec.to_builtins(said).items() if value is not None} or None,
        "total_record_count": _first(job.total_record_count, said.total_record_count),
        "processed_record_count": _first(job.processed_record_count, said.processed_record_count, totals.records),
        "success_record_count": _first(job.success_record_count, said.success_record_count, totals.succeeded),
        "error_record_count": _first(job.error_record_count, said.error_record_count, totals.failed),
        "input_token_count": input_tokens,
        "output_token_count": output_tokens,
        "cache_read_token_count": totals.cache_read_tokens,
        "cache_write_token_count": totals.cache_write_tokens,
        "cost_usd": None if input_tokens is None else _cost(job, totals, input_tokens, output_tokens or 0),
    }


def _cost(job: BatchJob, totals: Totals, input_tokens: int, output_tokens: int) -> Decimal | None:
    cached = {"cache_read_tokens": totals.cache_read_tokens, "cache_write_tokens": totals.cache_write_tokens}
    return prices.cost_of(job, input_tokens, output_tokens, **cached)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


@collect_results.on_failure
def _not_collected(job: BatchJob, lease: Lease, error: Failure) -> None:
    now = timezone.now()
    said = {"results_error": error.as_dict(), "modified_at": now}
    if isinstance(error, AwsError) and (error.retryable or error.code in CHANGED):
        lease.end(due_at=now + scheduling.pause(error, 3), **said)
        return
    results = BatchJob.Results.NONE if job.status in MAY_HAVE_NO_OUTPUT else BatchJob.Results.FAILED
    with transaction.atomic():
        lease.end(due_at=None, results=results, **said)
        job.record(Verb.RESULTS_FAILED, data={"code": error.code, "message": error.message})


def read_page(job: BatchJob, number: int = 1, *, size: int = 10, wanted: Wanted = EVERYTHING) -> ResultPage:
    """Page *number* (from 1) of the records of *job* that are *wanted*, the last one for a number past the end; empty
    without results. A text is not looked for: :func:`find_records` does.

    Raises :class:`AwsError`; ``PreconditionFailed`` when the output has changed since it was read.
    """
    stored = ResultIndex.objects.filter(job=job).first()
    if stored is None:
        return ResultPage(number, size, 0)
    index = stored.index
    found = positions(index, stored.totals, wanted, stored.input_order)
    number = min(max(number, 1), max(1, -(-len(found) // size)))
    return ResultPage(number, size, len(found), _read(job, index.page_of(found, number, size)))


def read_unanswered(job: BatchJob, number: int = 1, *, size: int = 10) -> ResultPage:
    """Page *number* (from 1) of the input's records that have no output; raises :class:`UserError` and AwsError."""
    stored = ResultIndex.objects.filter(job=job).first()
    inputs = stored.inputs if stored else Index()
    places = inputs.page(max(number, 1), size, only_errors=True)
    files = {file.name: file for file in input_files(job)} if places else {}
    if any(place.file not in files or files[place.file].size < place.end for place in places):
        raise _input_changed()

    def read_range(name: str, start: int, end: int) -> bytes:
        return read_span(files[name], start, end)

    family = family_for(job.model_id, job.model_invocation_type)
    rows = [ResultRow(place.position, read_input_line(line, family)) for place, line in fetch(places, read_range)]
    return ResultPage(number, size, len(inputs.errors), rows)


@dataclass
class Found:
    """Records that were looked for. ``next`` is the position to look on from, ``None`` when all were looked at; ``of``
    is how many there are to look at.
    """

    rows: list[ResultRow] = field(default_factory=list)
    next: int | None = None
    of: int = 0


def find_records(
    job: BatchJob,
    text: str,
    *,
    since: int = 0,
    at_most: int = 50,
    seconds: float = SEARCH_SECONDS,
    wanted: Wanted = EVERYTHING,
) -> Found:
    """The first records of *job* with that id, or else from *since* on with that text in question, answer or error;
    only such as are *wanted*, in their own order.

    An id is looked up. A text is looked for through the output, or the input for what is unanswered, for so many
    *seconds*. Raises :class:`UserError` when the input has changed, and :class:`AwsError`.
    """
    stored = ResultIndex.objects.filter(job=job).first()
    if stored is None:
        return Found()
    until = time.monotonic() + seconds
    if wanted.only == UNANSWERED:
        index = stored.inputs
        search = _Search(index, set(index.errors), partial(_indexed_inputs, job, index), read_input_line)
        return search.find(job, text, since=since, at_most=at_most, until=until)
    index = stored.index
    among = set(positions(index, stored.totals, wanted))
    places = [place for place in index.find(text) if place.position in among]
    named = [row for row in _read(job, places[:at_most]) if row.record.record_id == text]
    if named:
        return Found(named, of=len(index))
    search = _Search(index, among, partial(output_files, job), read_line)
    return search.find(job, text, since=since, at_most=at_most, until=until)


@dataclass(frozen=True)
class _Search:
    """A look for a text through the records of ``index`` at the positions ``among``."""

    index: Index
    among: set[int]
    files: Callable[[], list[InputFile]]
    read: Callable[[bytes, AnyFamily | None], Record]

    def find(self, job: BatchJob, text: str, *, since: int, at_most: int, until: float) -> Found:
        index, found = self.index, Found(next=since, of=len(self.index))
        if not 0 <= since < len(index) or not self.among:
            return Found(of=len(index))

        def go_on(position: int) -> bool:
            found.next = position if position < len(index) else None
            return time.monotonic() < until

        family = family_for(job.model_id, job.model_invocation_type)
        matches = find_text(self.files(), text, family, since=index.place(since), go_on=go_on, read=self.read)
        with closing(matches):  # type: ignore[type-var] # a generator
            for place, record in islice((match for match in matches if match[0].position in self.among), at_most):
                found.rows.append(ResultRow(place.position, record))
        if len(found.rows) == at_most:
            following = found.rows[-1].position + 1
            found.next = following if following < len(index) else None
        return found


def _indexed_inputs(job: BatchJob, index: Index) -> list[InputFile]:
    """The input files of *job* as they are indexed; raises :class:`UserError` when they are others."""
    files = input_files(job)
    if [(file.name, file.size) for file in files] != [(source.name, source.size) for source in index.sources]:
        raise _input_changed()
    return files


def _input_changed() -> UserError:
    return UserError("The input of this job has changed since its results were read.", "", "Read the results again.")


def output_files(job: BatchJob) -> list[InputFile]:
    """The output of *job* in the version that was read, as files; reading one that has changed raises AwsError."""
    reader = Reader(job.connection.target, output_folder(job)[0])
    return [InputFile(file.name, file.size, partial(reader.open, file)) for file in job.result_files.all()]


def read_record(job: BatchJob, position: int) -> ResultRow | None:
    """The record at *position*, counted from 0; ``None`` when there is none. Raises :class:`AwsError`."""
    stored = ResultIndex.objects.filter(job=job).first()
    index = stored.index if stored else Index()
    return _read(job, [index.place(position)])[0] if 0 <= position < len(index) else None


def _read(job: BatchJob, places: list[Place]) -> list[ResultRow]:
    """The records at *places*, by as few ranged reads as their neighbourhood allows."""
    bucket, _ = output_folder(job)
    names = {place.file for place in places}
    files = {file.name: file for file in job.result_files.filter(name__in=names)}

    def read_range(name: str, start: int, end: int) -> bytes:
        file = files[name]
        return s3.get_range(job.connection.target, bucket, file.key, start=start, end=end, etag=file.etag)

    family = family_for(job.model_id, job.model_invocation_type)
    return [ResultRow(place.position, read_line(line, family)) for place, line in fetch(places, read_range)]
