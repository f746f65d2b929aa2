"""Making batch input: written to S3 at once if the source is small, by a worker if it is not."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Protocol, cast

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.s3_stream import write_stream
from batchconsole.aws.session import Target
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import merging
from batchconsole.jobs.inputs.input_sources import Look, Source, from_s3, from_upload, look, read_records
from batchconsole.jobs.inputs.making_orders import Order
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.models import QUEUED, UNFINISHED, Actor, Connection, Event, MadeInput, Verb
from batchconsole.jobs.outputs import resending
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.rights.access import require_on_job
from batchconsole.jobs.s3 import uploads
from batchconsole.jobs.s3.storage import Storage
from batchconsole.jobs.signals import nudge
from batchconsole.records.limits import DEFAULTS
from batchconsole.records.making import Recipe, RecipeError
from batchconsole.records.tables import Kind, TableError

logger = logging.getLogger(__name__)

# Limits of what is made while the page waits: a second or two of work.
AT_ONCE_BYTES = 4 * 2**20
AT_ONCE_ROWS = 20_000
AT_ONCE_OUTPUT_BYTES = 32 * 2**20
MOST_OUTPUT_BYTES = DEFAULTS.bytes_per_job
MOST_FAILURES = 5
KEEP_TABLES_FOR = timedelta(days=400)
MOST_URI = 1024  # characters, as in the columns and as Bedrock takes them
SOURCE_ENDING = ".source"  # for the table that records were made from; Bedrock reads only .jsonl
FLUSH_BYTES = 2**18


class Line(Protocol):
    """A record to be written as a line of a file."""

    @property
    def line(self) -> bytes: ...


def is_small(source: Source, look: Look, recipe: Recipe) -> bool:
    """Whether *source* is small enough to be made into input while the page waits.

    Its size decides. A few hundred bytes of Parquet can hold gigabytes, so for Parquet the declared rows and the size
    of the first records count too.
    """
    if source.size > AT_ONCE_BYTES:
        return False
    if look.extent is None:
        return True
    first = look.first_records(recipe)
    size = max((len(made.line) for made in first), default=0)
    is_short = look.extent.rows <= AT_ONCE_ROWS and look.extent.bytes <= AT_ONCE_BYTES
    return is_short and look.extent.rows * size <= AT_ONCE_OUTPUT_BYTES


def write_records(
    target: Target, output_s3_uri: str, records: Iterable[Line], *, most_bytes: int = MOST_OUTPUT_BYTES
) -> int:
    """Write *records* to *output_s3_uri* and return how many.

    Raises what they raise, AwsError, and TableError if they have more than *most_bytes*.
    """
    count = total = 0

    def lines() -> Iterator[bytes]:
        nonlocal count, total
        held: list[bytes] = []
        size = 0
        for record in records:
            count += 1
            held.append(record.line)
            size += len(held[-1])
            total += len(held[-1])
            if total > most_bytes:
                raise TableError(f"The input would be larger than {most_bytes >> 30} GiB.", hint="Split the file.")
            if size >= FLUSH_BYTES:
                yield b"".join(held)
                held.clear()
                size = 0
        yield b"".join(held)

    write_stream(target, *parse_s3_uri(output_s3_uri), lines())
    return count


def write_now(connection: Connection, actor: Actor, *, output_s3_uri: str, records: Iterable[Line]) -> int:
    """Make input at once and return the number of records. Raises NotAllowed and what :func:`write_records` raises."""
    replaces = _require_making(connection, actor, output_s3_uri)
    count = write_records(connection.target, output_s3_uri, records)
    _record_made(connection, actor, output_s3_uri=output_s3_uri, records=count, replaces=replaces)
    return count


def _require_making(connection: Connection, actor: Actor, output_s3_uri: str) -> bool:
    """Check that the input may be written, and return whether it replaces an object, which no job may still read."""
    return Storage(connection, actor).require_replacing(*parse_s3_uri(output_s3_uri))


def _record_made(
    connection: Connection,
    actor: Actor,
    *,
    output_s3_uri: str,
    records: int,
    replaces: bool = False,
    made_with: str = "",
) -> None:
    if replaces:
        overwritten = {"s3_uri": output_s3_uri}
        Event.objects.create(connection=connection, actor=actor, verb=Verb.OBJECT_OVERWRITTEN, data=overwritten)
    data = {"s3_uri": output_s3_uri, "records": records} | ({"template": made_with} if made_with else {})
    Event.objects.create(connection=connection, actor=actor, verb=Verb.INPUT_MADE, data=data)


def order_from_s3(
    connection: Connection,
    actor: Actor,
    *,
    recipe: Recipe,
    source_s3_uri: str,
    output_s3_uri: str,
    separator: str = "",
    encoding: str = "",
    request_token: str = "",
) -> Order:
    """Return the order for input made from the object at *source_s3_uri*, after trying its first records.

    Raises RecipeError and TableError if the recipe or the table does not fit, and UserError, NotAllowed and AwsError.
    """
    _require_making(connection, actor, output_s3_uri)
    source = from_s3(Storage(connection, actor), source_s3_uri)
    seen = look(source, separator=separator, encoding=encoding)
    seen.first_records(recipe)
    return Order(
        source=source,
        look=seen,
        recipe=recipe,
        output_s3_uri=output_s3_uri,
        source_s3_uri=source_s3_uri,
        separator=separator,
        encoding=encoding,
        request_token=request_token,
    )


def start_making(connection: Connection, actor: Actor, order: Order) -> MadeInput:
    """Schedule the making of input by a worker. Raises NotAllowed, ObjectInUse and AwsError.

    An S3 that is away is no obstacle: the worker waits for it, and checks what it replaces.
    """
    try:
        _require_making(connection, actor, order.output_s3_uri)
    except AwsError as error:
        if not error.retryable:
            raise
    made = order.row(connection, actor)
    with transaction.atomic():
        made.save()
        nudge("make_input", made.pk)
    return made


def record_failure(
    connection: Connection,
    actor: Actor,
    *,
    source_name: str,
    recipe: Recipe,
    output_s3_uri: str,
    request_token: str,
    error: dict[str, str],
) -> MadeInput:
    """Record that input that was asked for among others could not be begun, and why."""
    row: MadeInput = MadeInput.objects.create(
        connection=connection,
        created_by=actor,
        source_name=source_name,
        source_size=0,
        recipe_json=msgspec.json.encode(recipe).decode(),
        output_s3_uri=output_s3_uri,
        request_token=request_token,
        state=MadeInput.State.FAILED,
        due_at=None,
        finished_at=timezone.now(),
        error={"message": "", "hint": "", "code": "", "operation": "", **error},
    )
    return row


def make_now(connection: Connection, actor: Actor, order: Order) -> MadeInput:
    """Make input while the page waits. Raises NotAllowed, ObjectInUse and what :func:`write_records` raises."""
    replaces = _require_making(connection, actor, order.output_s3_uri)
    count = write_records(connection.target, order.output_s3_uri, order.records())
    made = order.row(connection, actor)
    _keep_source(made)
    made.state, made.due_at, made.records, made.finished_at = MadeInput.State.DONE, None, count, timezone.now()
    with transaction.atomic():
        made.save()
        _record_made(
            connection,
            actor,
            output_s3_uri=order.output_s3_uri,
            records=count,
            replaces=replaces,
            made_with=order.made_with,
        )
    uploads.forget(order.upload)
    return made


def _keep_source(made: MadeInput) -> None:
    """Keep an uploaded table beside its records, so that its columns can be joined with the answers later.

    If S3 refuses that, or its name would be too long, only a warning is logged: the input is made all the same.
    """
    if made.is_foreign or not made.upload:
        return
    try:
        _write_source(made, f"{made.output_s3_uri}{SOURCE_ENDING}")
    except (AwsError, UserError) as error:
        logger.warning("The table of %s is not kept: %s", made.output_s3_uri, error)
    made.upload = ""


def _write_source(made: MadeInput, uri: str) -> None:
    if len(uri) > MOST_URI:
        raise UserError(f"The S3 URI {uri} has more than {MOST_URI:,} characters.")
    write_stream(made.connection.target, *parse_s3_uri(uri), iter(from_upload(made.upload, "").chunks()))
    made.source_s3_uri, made.source_etag = uri, from_s3(Storage(made.connection, None), uri).etag


# Longer than the longest silence of S3: three attempts of a minute.
@step(MadeInput, queue=SCAN, where=Q(state__in=UNFINISHED), hold=timedelta(minutes=4), waits=QUEUED)
def make_input(made: MadeInput, lease: Lease) -> None:
    """Make the input of *made*.

    1. Read the source and write the object, reporting progress. The object appears only once it is complete.
    2. Store the result, and delete the upload.
    """
    lease.write(state=MadeInput.State.RUNNING, bytes_read=0, records=0)
    progress = _Progress(lease)
    count = 0
    # A resend is written to a folder of its own, outside the places for uploads.
    replaces = not made.resend_of and _require_making(made.connection, None, made.output_s3_uri)
    try:
        for uri, records in _objects(made, progress):
            count += write_records(made.connection.target, uri, progress.count(records))
    except (TableError, RecipeError) as error:
        raise UserError(str(error), hint=error.hint) from error
    if made.resend_of and not count:
        raise UserError("No records left to resend.")
    upload = made.upload
    _keep_source(made)
    with transaction.atomic():
        kept = {"upload": made.upload, "source_s3_uri": made.source_s3_uri, "source_etag": made.source_etag}
        lease.end(
            due_at=None, state=MadeInput.State.DONE, finished_at=timezone.now(), error=None, records=count, **kept
        )
        _record_made(
            made.connection,
            made.created_by,
            output_s3_uri=made.output_s3_uri,
            records=count,
            replaces=replaces,
            made_with=made.made_with,
        )
    uploads.forget(upload)
    prune()


def _objects(made: MadeInput, progress: "_Progress") -> Iterator[tuple[str, Iterator[Line]]]:
    """Yield the URI of each object to write, and its records."""
    if made.resend_of:
        yield from resending.objects(made, progress.lease, read=progress.read)
        return
    if made.merged_files:
        yield made.output_s3_uri, merging.records_of(made, progress.lease, progress.read)
        return
    source = open_source(made).counted(progress.read)
    yield (
        made.output_s3_uri,
        read_records(
            source,
            cast(Kind, made.kind),
            is_foreign=made.is_foreign,
            recipe=made.recipe,
            separator=made.separator,
            encoding=made.encoding,
        ),
    )


def open_source(made: MadeInput) -> Source:
    """Return the source of *made*, in the version it had. Raises :class:`UserError` and AwsError."""
    if made.upload:
        return from_upload(made.upload, made.source_name)
    return from_s3(Storage(made.connection, None), made.source_s3_uri, etag=made.source_etag)


class _Progress:
    """Counts bytes and records, and stores the counts now and then."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.bytes = 0
        self.records = 0

    def read(self, size: int) -> None:
        self.bytes += size

    def count(self, records: Iterable[Line]) -> Iterator[Line]:
        for record in records:
            yield record
            self.records += 1
            self.lease.renew(bytes_read=self.bytes, records=self.records)


@make_input.on_failure
def _not_made(made: MadeInput, lease: Lease, error: Failure) -> None:
    """Handle a source that cannot be read or an object that cannot be written: retry if that can help, or fail."""
    failures = made.failures + 1
    said = {"error": error.as_dict(), "failures": failures}
    if isinstance(error, AwsError) and error.retryable and failures < MOST_FAILURES:
        due_at = timezone.now() + scheduling.pause(error, failures)
        lease.end(due_at=due_at, state=MadeInput.State.QUEUED, **said)
    else:
        lease.end(due_at=None, state=MadeInput.State.FAILED, finished_at=timezone.now(), **said)


def cancel_making(made: MadeInput, actor: Actor) -> None:
    """Cancel *made* before its object is written; a worker that runs it stops within seconds, and S3 keeps nothing.

    Raises
    ------
    UserError
        It has ended. NotAllowed if the actor may not act on it.
    """
    require_on_job(actor, made)
    with transaction.atomic():
        if not made.cancel():
            raise UserError("This has ended already.")
        data = {"source": made.source_name, "output_s3_uri": made.output_s3_uri}
        Event.objects.create(connection=made.connection, actor=actor, verb=Verb.INPUT_MAKING_CANCELLED, data=data)
    uploads.forget(made.upload)


def prune() -> None:
    """Delete old rows; what they made stays in S3.

    The setting MADE_INPUT_DAYS applies (0: for ever), but rows that link a table to its answers are kept for
    KEEP_TABLES_FOR. Resends are kept as long as their job: they allow its input and name the jobs merged into it.
    """
    if not settings.MADE_INPUT_DAYS:
        return
    now = timezone.now()
    expirable().filter(finished_at__lt=now - timedelta(days=settings.MADE_INPUT_DAYS)).delete()
    _not_kept_by_jobs().filter(finished_at__lt=now - KEEP_TABLES_FOR).delete()


def expirable() -> QuerySet[MadeInput]:
    """Return the rows that MADE_INPUT_DAYS applies to."""
    tables = Q(state=MadeInput.State.DONE, is_foreign=False, resend_of=None) & ~Q(source_s3_uri="")
    return _not_kept_by_jobs().filter(~tables)


def _not_kept_by_jobs() -> QuerySet[MadeInput]:
    rows: QuerySet[MadeInput] = MadeInput.objects.exclude(state=MadeInput.State.DONE, resend_of__isnull=False)
    return rows
