"""Read a job's output once when it ends, for totals and an index; ``result_pages.py`` reads pages of it."""

import logging
from array import array
from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws import s3
from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.costs import prices
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    Actor,
    BatchJob,
    Comparison,
    ResultFile,
    ResultIndex,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.rights.access import require, require_on_job, require_places
from batchconsole.jobs.s3.input_objects import Reader, list_input
from batchconsole.jobs.signals import nudge
from batchconsole.records import repair
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.matching import ALONE, Pairing, pair
from batchconsole.records.results import Manifest, Scan, Totals, read_manifest, scan

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json.out"
MANIFEST_BYTES = 1 << 20  # a manifest usually has some hundred bytes; anything larger is not one
# Jobs in these states may have ended before anything was written.
MAY_HAVE_NO_OUTPUT = frozenset({Status.FAILED, Status.EXPIRED, Status.STOPPED})
# The objects are not those that were listed; listing them again helps.
CHANGED = frozenset({"PreconditionFailed", "NoSuchKey", "InvalidRange"})
# The most output for which the input is read just to show answers in its order: seconds of a worker's time.
ORDERED_BYTES = 512 * 2**20


def output_folder(job: BatchJob) -> tuple[str, str]:
    """Return the bucket and prefix of the output of *job*, which must have an ARN; the prefix ends in a slash."""
    return parse_s3_uri(job.output_folder)


def require_reading(actor: Actor, job: BatchJob) -> None:
    """Raise NotAllowed unless *actor* may read records and answers of *job* and the connection allows that location."""
    require(actor, Right.READ, job.connection)
    require_places(job.connection, read=job.output_s3_uri)


def request_results(job: BatchJob, actor: Actor) -> None:
    """Schedule reading the output of an ended job, also again. Raises NotAllowed and :class:`UserError`."""
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
    """Read the whole output of an ended job: sums, cost, errors by message, and the place of each record.

    If S3 is unavailable, it is tried again; if the output cannot be read, the job is marked with the reason.
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
    """Return the files that Bedrock reads at the input location of *job*. Raises :class:`UserError` and AwsError."""
    files = list_input(job.connection.target, job.input_s3_uri).files
    return [file for file in files if file.name.endswith(".jsonl")]


def _is_complete(job: BatchJob, found: Scan) -> bool:
    return job.status == Status.COMPLETED and found.totals.records >= (job.total_record_count or 0)


def _pairing(job: BatchJob, found: Scan, outputs: list[InputFile]) -> Pairing | None:
    """Return which record of the input each output answers, to find unanswered records and the order of the input.

    Return ``None`` if the input cannot be read, because the output is useful without it, and also if nothing is
    unanswered and the output is too large to read the input just for its order.
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
    """Return the packed places of the input's records, those without an output as errors; empty if all have one."""
    if pairing is None or ALONE not in pairing.answers:
        return b""
    pairing.inputs.errors = array("I", (place for place, answer in enumerate(pairing.answers) if answer == ALONE))
    return pairing.inputs.pack()


def _input_order(pairing: Pairing | None) -> bytes:
    """Return the packed positions of the output's records: those that answer input first, in the order of the input."""
    if pairing is None:
        return b""
    answered = [answer for answer in pairing.answers if answer != ALONE]
    others = sorted(set(range(len(pairing.outputs))) - set(answered))
    return array("I", answered + others).tobytes()


def _manifest(job: BatchJob, objects: Iterable[s3.S3Object]) -> Manifest | None:
    """Return AWS's own figures, or ``None`` if there is no readable manifest; reading goes on without it."""
    bucket, prefix = output_folder(job)
    found = next((item for item in objects if item.key == prefix + MANIFEST), None)
    if found is None or not 0 < found.size <= MANIFEST_BYTES:
        return None
    try:
        return read_manifest(s3.get_range(job.connection.target, bucket, found.key))
    except repair.BROKEN as error:
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
            Comparison.objects.read_again(job)
            job.record(Verb.RESULTS_READ, data={"records": found.totals.records, "errors": found.totals.failed})
        lease.end(due_at=None, results=results, results_error=None, modified_at=timezone.now(), **figures)


def _figures(job: BatchJob, totals: Totals, manifest: Manifest | None) -> dict[str, Any]:
    """Return tokens and cost, and the counts that older jobs have only in their manifest or their output."""
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
