"""What a job on demand costs at most, told before it is created: from its records, at the on-demand price."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from django.conf import settings

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.input_objects import list_input
from batchconsole.jobs.limits import limits_for
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.prices import MICRO_USD, price_in_lane
from batchconsole.records import files, preflight
from batchconsole.records.files import InputFile
from batchconsole.records.lines import batches
from batchconsole.records.prices import ON_DEMAND_TIMES
from batchconsole.records.report import Report

READ_BYTES = 32 * 2**20  # read while a page waits: a second or two


@dataclass(frozen=True)
class Quote:
    """The records that would be sent, and what they cost at most. ``report`` is ``None`` if the input is too large."""

    report: Report | None
    usd_at_most: Decimal | None

    @property
    def records(self) -> int | None:
        return self.report.records if self.report else None


def quote(
    connection: Connection,
    *,
    input_s3_uri: str,
    model_id: str,
    model_invocation_type: str,
    record_limit: int | None = None,
    is_rest: bool = False,
) -> Quote:
    """Return the quote for the first *record_limit* records of an input, or for all of them.

    Raises AwsError, and :class:`UserError` if there are no records, or more than a job on demand takes. If *is_rest*,
    only some of them are sent, so there may be more.
    """
    found = [file for file in list_input(connection.target, input_s3_uri).files if file.name.endswith(".jsonl")]
    if not found:
        raise UserError(f"There is no .jsonl object at {input_s3_uri}.", "input_s3_uri", "Choose another input.")
    if record_limit is None and sum(file.size for file in found) > READ_BYTES:
        return Quote(None, None)
    report = preflight.check(
        found if record_limit is None else _beginning(found, record_limit),
        model_id=model_id,
        invocation_type=model_invocation_type,
        limits=replace(limits_for(connection, model_id), min_records_per_job=1),
        input_s3_uri=input_s3_uri,
        price=price_in_lane(model_id, connection.region, BatchJob.Lane.ON_DEMAND),
    )
    _require_size(report.records, most=None if is_rest else settings.ON_DEMAND_RECORDS)
    return Quote(report, usd_at_most(report))


def quote_of_rest(job: BatchJob) -> Quote:
    """Return the quote for what *job* may leave unanswered: at most its whole input. Raises AwsError and UserError."""
    if job.unprocessed_record_count:
        _require_size(job.unprocessed_record_count, most=settings.ON_DEMAND_RECORDS)
    found = quote(
        job.connection,
        input_s3_uri=job.input_s3_uri,
        model_id=job.model_id,
        model_invocation_type=job.model_invocation_type,
        is_rest=True,
    )
    known = job.input_check.usd_at_most if job.input_check else job.estimate_usd
    if found.report is None and known is not None:
        return Quote(None, known * ON_DEMAND_TIMES)
    return found


def usd_at_most(report: Report) -> Decimal | None:
    """Return the highest cost of the records of *report*, ``None`` if the price or the length of answers is unknown."""
    cost = report.cost.usd_at_most if report.cost else None
    return None if cost is None else cost.quantize(MICRO_USD)


def _require_size(records: int, *, most: int | None) -> None:
    if not records:
        raise UserError("The input has no record.", "input_s3_uri", "Choose another input.")
    if most is not None and records > most:
        raise UserError(
            f"The input has {records:,} records. A job on demand takes at most {most:,}.",
            "input_s3_uri",
            "Run it as a batch job, or send fewer records.",
        )


def _beginning(found: Iterable[InputFile], most: int) -> list[InputFile]:
    """Return the first *most* lines of *found*, without blank ones, as files in memory."""
    kept, left, room = [], most, READ_BYTES
    for file in found:
        lines = []
        for line in _lines(file):
            if not left or room <= 0:
                break
            lines.append(line)
            left, room = left - 1, room - len(line)
        if lines:
            kept.append(files.from_bytes(file.name, b"\n".join([*lines, b""])))
        if not left or room <= 0:
            break
    return kept


def _lines(file: InputFile) -> Iterator[bytes]:
    for batch in batches(file.open(start=0)):
        yield from (line for line in batch.lines if line.strip())
