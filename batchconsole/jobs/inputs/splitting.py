"""Split an input that is too large for one job: a worker writes its parts to S3 and creates a job for each of them.

The jobs are created by the same verb as those of the form, all of them or none, so that a worker or a person who ends
the split at any moment leaves no half of a batch. Parts that are written stay written if the work starts over.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.jobs.cloning import free_names
from batchconsole.jobs.errors import NotAllowed, UserError
from batchconsole.jobs.inputs.making import MOST_FAILURES, MOST_URI, write_records
from batchconsole.jobs.inputs.media_of_parts import MediaOfParts, bucket_owner, family_of
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.lifecycle import create_job
from batchconsole.jobs.models import (
    QUEUED,
    UNFINISHED,
    Actor,
    BatchJob,
    Connection,
    Event,
    InputCheck,
    InputSplit,
    MadeInput,
    Right,
    SplitPart,
    Verb,
)
from batchconsole.jobs.outputs import resending
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.rights.access import lies_in, require, require_on_job, require_places
from batchconsole.jobs.s3.input_objects import InputObjects, list_input
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.jobs.signals import nudge
from batchconsole.records import splitting as parts
from batchconsole.records.joining import JoinedRow
from batchconsole.records.limits import Limits
from batchconsole.records.media import LONGEST_COPY, MediaRefused
from batchconsole.records.media_census import Census
from batchconsole.records.preflight import inputs_of
from batchconsole.records.schema_columns import Column, Kind, merged
from batchconsole.records.splitting import CannotSplit

CHECKED = ("model_id", "model_invocation_type", "input_s3_uri")  # the fields that a check is about
MOST_PARTS = 1_000
MOST_PLACE = MOST_URI - len(f"part-{MOST_PARTS}-of-{MOST_PARTS}/")  # characters
MOST_BYTES = 2**50  # each file is cut to the limit of the model long before


@dataclass(frozen=True)
class Offer:
    """What splitting a checked input would make: the least number of jobs, for so many records and bytes.

    ``media_objects`` with ``media_bytes`` are copied for each part that refers to them.
    """

    parts: int
    records: int
    bytes: int
    limits: Limits
    media_objects: int = 0
    media_bytes: int = 0


def offer_of(check: InputCheck) -> Offer | None:
    """Return the offer to split the input of *check*; ``None`` if one job may take it, or there is no report."""
    report = check.report
    limits = limits_for(check.connection, check.model_id)
    if report is None or not report.records or not parts.is_too_large(report, limits):
        return None
    least = parts.least_parts(records=report.records, size=report.bytes, limits=limits)
    return Offer(least, report.records, report.bytes, limits, report.media_objects, report.media_bytes)


def require_offer(check: InputCheck | None, request: JobRequest) -> None:
    """Raise :class:`UserError` unless *check* is of the input and model of *request*, and offers to split it."""
    if check is None or any(getattr(check, name) != getattr(request, name) for name in CHECKED):
        raise UserError(
            "The input, its model or its format is not what was checked.",
            "input_s3_uri",
            "Check the input, then split it.",
        )
    if offer_of(check) is None:
        raise UserError("One job takes this input, so it is not split.", "input_s3_uri", "Create the job as it is.")


def place_of_parts(connection: Connection, request: JobRequest, *, mark: str) -> str:
    """Return a new folder for the parts, where the connection allows both uploads and input; *mark* makes it unique.

    The output location comes first: the service role may read there too, and other jobs read no input there. Then come
    the place beside the input and the locations for uploads. Raises NotAllowed if none will do.
    """
    name = f"{request.job_name}-split-{mark}/"
    folders = [request.output_s3_uri, _above(request.input_s3_uri), *connection.prefixes("upload")]
    places = [f"{folder.rstrip('/')}/{name}" for folder in folders if folder]
    refused = ""
    for place in places:
        if lies_in(place, [request.input_s3_uri]):
            continue
        if len(place) > MOST_PLACE:
            refused = refused or f"an S3 URI of theirs would have more than {MOST_URI:,} characters."
            continue
        try:
            require_places(connection, upload=place, input=place)
        except NotAllowed as error:
            refused = refused or error.message
        else:
            return place
    raise NotAllowed(
        "The parts of the input cannot be written: " + (refused or "each location for them lies in the input itself."),
        "Ask an administrator of the connection to allow a location for both uploads and input.",
        field="input_s3_uri",
    )


def _above(uri: str) -> str:
    """Return the folder that holds the object or the folder *uri*."""
    bucket, key = parse_s3_uri(uri)
    above = key.rstrip("/").rpartition("/")[0]
    return f"s3://{bucket}/{above}"


def start_split(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    place: str,
    check_input: bool = True,
    start_at: datetime | None = None,
    clone_of: BatchJob | None = None,
    resend_of: BatchJob | None = None,
    request_token: str = "",
) -> InputSplit:
    """Schedule a worker to split the input of *request* into parts below *place* and to create a job for each.

    *request* is what the jobs share; its name gets a number for each. Raises NotAllowed and :class:`UserError`.
    """
    require(actor, Right.SUBMIT, connection)
    require_input(connection, request.input_s3_uri)
    require_places(connection, upload=place, input=place)
    if resend_of:
        _refuse_merged(resend_of, actor, request.input_s3_uri)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        split: InputSplit = InputSplit.objects.create(
            connection=connection,
            created_by=actor,
            input_s3_uri=request.input_s3_uri,
            output_s3_uri=place,
            request_json=request.as_fields() | {"client_request_token": ""},
            check_input=check_input,
            start_at=start_at,
            clone_of=clone_of,
            resend_of=resend_of,
            request_token=request_token,
        )
        data = {"split": split.pk, "input_s3_uri": split.input_s3_uri, "output_s3_uri": place}
        _record(split, Verb.INPUT_SPLIT_REQUESTED, actor=actor, data=data)
        nudge("split_input", split.pk)
    return split


def _refuse_merged(resend_of: BatchJob, actor: Actor, input_s3_uri: str) -> None:
    """Refuse to split a resend of several jobs: its answers are told apart by the names of its files."""
    require_on_job(actor, resend_of)
    if MadeInput.objects.filter(resend_of=resend_of, output_s3_uri=input_s3_uri, merges__isnull=False).exists():
        raise UserError("This input resends records of several jobs.", "input_s3_uri", "Resend fewer jobs at once.")


def _record(split: InputSplit, verb: Verb, *, actor: Actor, data: dict[str, object]) -> None:
    Event.objects.create(connection=split.connection, actor=actor, verb=verb, data=data)


# Longer than the longest silence of S3: three attempts of a minute.
@step(InputSplit, queue=SCAN, where=Q(state__in=UNFINISHED), hold=timedelta(minutes=4), waits=QUEUED)
def split_input(split: InputSplit, lease: Lease) -> None:
    """Split the input of *split*.

    1. Measure every record and store the plan: the parts, which objects it is for, and the media to copy.
    2. Write each part that is not written yet, and copy the media of its records beside them: Bedrock reads media only
       from below the input location of a job, and the parts cannot share one.
    3. Create the jobs, all in one transaction.
    """
    objects = list_input(split.connection.target, split.input_s3_uri)
    size = sum(file.size for file in inputs_of(objects.files))
    progress = _Progress(lease)
    lease.write(state=InputSplit.State.RUNNING, bytes_total=2 * size, bytes_done=0)
    if split.fingerprint and split.fingerprint != objects.fingerprint():
        raise UserError("The input has changed since the split began.", hint="Check the input and split it again.")
    limits = limits_for(split.connection, split.request.model_id)
    try:
        if not split.fingerprint:
            _plan(split, lease, objects, limits=limits, progress=progress)
        progress.bytes = size
        _write(split, lease, objects, limits=limits, progress=progress)
    except (CannotSplit, MediaRefused) as error:
        raise UserError(str(error), hint=error.hint) from error
    _create_jobs(split, lease)


class _Progress:
    """Counts the bytes that are read, and stores the count now and then."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.bytes = 0

    def read(self, size: int) -> None:
        self.bytes += size
        self.lease.renew(bytes_done=self.bytes)


def _plan(split: InputSplit, lease: Lease, objects: InputObjects, *, limits: Limits, progress: _Progress) -> None:
    """Measure the input and store its parts. Raises UserError, CannotSplit and MediaRefused."""
    census = Census(family_of(split))
    longest = len(split.part_uri(MOST_PARTS, MOST_PARTS)) + LONGEST_COPY

    def growth(line: bytes, place: str) -> int:
        return sum(max(0, longest - len(each.uri)) for each in census.look(line, place))

    ends = parts.measure(inputs_of(objects.files), limits=limits, progress=progress.read, growth=growth)
    census.require_uris()
    census.require_below(split.input_s3_uri)
    census.require_found(objects.sizes)
    cuts = parts.plan(ends, limits)
    if not ends:
        raise UserError("There are no records in this input.", hint="Choose a folder or a file with records.")
    if len(cuts) > MOST_PARTS:
        raise UserError(f"This input would make more than {MOST_PARTS:,} jobs.", hint="Divide it among folders first.")
    copies = census.copies(cuts, objects.sizes)
    with transaction.atomic():
        lease.write(
            fingerprint=objects.fingerprint(),
            records=len(ends),
            media_objects=copies.objects,
            media_bytes=copies.bytes,
        )
        SplitPart.objects.bulk_create(
            SplitPart(split=split, number=number, input_s3_uri=split.part_uri(number, len(cuts)), records=end - start)
            for number, (start, end) in enumerate(zip([0, *cuts], cuts, strict=False), 1)
        )


def _write(split: InputSplit, lease: Lease, objects: InputObjects, *, limits: Limits, progress: _Progress) -> None:
    """Write the parts that are not written yet; each object appears only once it is complete."""
    require_input(split.connection, split.input_s3_uri)
    require_places(split.connection, upload=split.output_s3_uri)
    rows = list(split.parts.all())
    cuts = [sum(row.records for row in rows[:number]) for number in range(1, len(rows) + 1)]
    media, copied = MediaOfParts(split, rows, objects.by_uri), 0
    lines = parts.split(inputs_of(objects.files), cuts, limits, progress=progress.read, moved=media.moved)
    for number, of_part in groupby(lines, key=lambda line: line.part):
        row = rows[number - 1]
        if row.is_written:
            deque(of_part, maxlen=0)  # read them, so that their media count as copied
            copied += len(media.take(number))
            continue
        for name, records in groupby(of_part, key=lambda line: line.name):
            write_records(split.connection.target, row.input_s3_uri + name, records, most_bytes=MOST_BYTES)
        copied += media.copy(lease, row, copied=copied)
        with transaction.atomic():
            lease.write(media_done=copied)
            split.parts.filter(pk=row.pk).update(is_written=True)


def _create_jobs(split: InputSplit, lease: Lease) -> None:
    """Create a job for each part, all or none, and end the lease. Raises NotAllowed."""
    rows = list(split.parts.all())
    lease.write()
    with transaction.atomic():
        Connection.objects.lock(split.connection_id)
        names = part_names(split.connection, split.request.job_name, len(rows))
        made = [(row, _create_job(split, row, name)) for row, name in zip(rows, names, strict=True)]
        done = {"state": InputSplit.State.DONE, "finished_at": timezone.now(), "error": None}
        lease.end(due_at=None, bytes_done=split.bytes_total, **done)
        for row, job in made:
            split.parts.filter(pk=row.pk).update(job=job)
        data = {"split": split.pk, "s3_uri": split.output_s3_uri, "records": split.records, "jobs": len(made)}
        _record(split, Verb.INPUT_SPLIT, actor=split.created_by, data=data)


def _create_job(split: InputSplit, row: SplitPart, name: str) -> BatchJob:
    return create_job(
        connection=split.connection,
        actor=split.created_by,
        request=replace(
            split.request,
            job_name=name,
            input_s3_uri=row.input_s3_uri,
            input_bucket_owner=bucket_owner(split, row),
        ),
        check_input=split.check_input,
        start_at=split.start_at if split.start_at and split.start_at > timezone.now() else None,
        clone_of=split.clone_of,
        resend_of=split.resend_of,
    )


def part_names(connection: Connection, name: str, number: int) -> list[str]:
    """Return free names for *number* jobs: ``reviews-1-of-4`` and so on, or ``reviews-2-1-of-4`` if one is in use."""
    ends = [f"-{each}-of-{number}" for each in range(1, number + 1)] if number > 1 else [""]
    return free_names(connection, name, ends)


@split_input.on_failure
def _not_split(split: InputSplit, lease: Lease, error: Failure) -> None:
    """Handle an input that cannot be read, or parts or jobs that are refused: retry if that can help, or fail."""
    failures = split.failures + 1
    said = {"error": error.as_dict(), "failures": failures}
    if isinstance(error, AwsError) and error.retryable and failures < MOST_FAILURES:
        due_at = timezone.now() + scheduling.pause(error, failures)
        lease.end(due_at=due_at, state=InputSplit.State.QUEUED, **said)
    else:
        lease.end(due_at=None, state=InputSplit.State.FAILED, finished_at=timezone.now(), **said)


def cancel_split(split: InputSplit, actor: Actor) -> None:
    """Cancel *split* before its jobs are created; a worker that runs it stops within seconds.

    Raises
    ------
    UserError
        It has ended. NotAllowed if the actor may not act on it.
    """
    require_on_job(actor, split)
    with transaction.atomic():
        if not split.cancel():
            raise UserError("The split has ended already.")
        _record(split, Verb.INPUT_SPLIT_CANCELLED, actor=actor, data={"split": split.pk})


def retry_split(split: InputSplit, actor: Actor) -> None:
    """Go on with *split*, now. Raises NotAllowed, and :class:`UserError` unless it waits or has failed."""
    require_on_job(actor, split)
    state = InputSplit.State
    rows = InputSplit.objects.filter(pk=split.pk, lease="", state__in=(state.QUEUED, state.FAILED))
    with transaction.atomic():
        if not rows.update(**QUEUED, due_at=timezone.now(), failures=0, error=None, finished_at=None):
            raise UserError("The split is done, was cancelled or is running now.")
        _record(split, Verb.INPUT_SPLIT_RETRIED, actor=actor, data={"split": split.pk})
        nudge("split_input", split.pk)


def current_jobs(split: InputSplit) -> list[tuple[SplitPart, BatchJob | None]]:
    """Return each part with the job that reads it now; ``None`` until the jobs are created."""
    return [(part, part.current_job) for part in split.parts.select_related("job__connection", "split")]


def can_join(jobs: Sequence[BatchJob | None]) -> bool:
    """Whether the answers of *jobs* can be read as one: all have ended, and the results of some have been read."""
    ended = [job for job in jobs if job is not None and job.is_ended and job.results != BatchJob.Results.PENDING]
    return bool(jobs) and len(ended) == len(jobs) and any(_is_read(job) for job in ended)


def _is_read(job: BatchJob) -> bool:
    return job.results == BatchJob.Results.READY


def joined(jobs: Sequence[BatchJob]) -> Iterator[JoinedRow]:
    """Yield a row for each record of the input, in its order, with its first good answer from a job or its resends.

    Raises :class:`UserError` and AwsError, of the first job at once.
    """
    for job in jobs:
        yield from resending.joined(job, with_resends=_is_read(job), in_input_order=True)


def schema_fields(jobs: Sequence[BatchJob]) -> list[Column] | None:
    """Return the fields of the output schemas of *jobs* and their resends; ``None`` if there is no schema."""
    fields: dict[str, Kind] = {}
    found = [resending.schema_fields(job, with_resends=True) for job in jobs if _is_read(job)]
    for columns in found:
        merged(fields, columns or ())
    has_schema = any(columns is not None for columns in found)
    return [Column(name, kind) for name, kind in fields.items()] if has_schema else None
