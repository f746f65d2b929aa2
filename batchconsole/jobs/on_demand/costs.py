"""What a job on demand costs at most, told before it is created: from its records, at the on-demand price."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import islice

from django.conf import settings

from batchconsole.jobs.costs.prices import MICRO_USD, MOST_USD, on_demand_at_most, price_in_lane
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Connection
from batchconsole.jobs.queue.limits import limits_for
from batchconsole.jobs.s3.input_objects import list_input
from batchconsole.jobs.s3.input_places import require_input
from batchconsole.records import files, preflight
from batchconsole.records.files import InputFile
from batchconsole.records.lines import batches
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
) -> Quote:
    """Return the quote for the first *record_limit* records of an input, or for all of them.

    Raises AwsError, NotAllowed, and :class:`UserError` if there are no records, or more than a job on demand takes.
    """
    asked = {"input_s3_uri": input_s3_uri, "model_id": model_id, "model_invocation_type": model_invocation_type}
    report = _report(connection, **asked, record_limit=record_limit)
    if report is None:
        return Quote(None, None)
    if report.records > settings.ON_DEMAND_RECORDS:
        raise too_many(f"The input has {report.records:,} records.")
    return Quote(report, usd_at_most(report))


def quote_of_rest(job: BatchJob) -> Quote:
    """Return the quote for what *job* may leave unanswered: at most its whole input.

    Raises AwsError, NotAllowed, and :class:`UserError` if that may be more records than a job on demand takes.
    """
    left = _records_left(job)
    if left is not None and left > settings.ON_DEMAND_RECORDS:
        raise too_many(f"{left:,} records of {job.job_name} have no answer.")
    asked = {name: getattr(job, name) for name in ("input_s3_uri", "model_id", "model_invocation_type")}
    report = _report(job.connection, **asked)
    if report is not None:
        if left is None and report.records > settings.ON_DEMAND_RECORDS:
            raise too_many(
                f"{job.job_name} has {report.records:,} records, and AWS has not told how many are answered."
            )
        return Quote(report, usd_at_most(report))
    if left is None:
        raise UserError(
            f"AWS has not told how many records of {job.job_name} are answered, and its input is too large to count.",
            hint="Try again once its page shows the number of records.",
        )
    known = job.input_check.usd_at_most if job.input_check else job.estimate_usd
    return Quote(None, on_demand_at_most(known, job.model_id, job.connection.region))


def _records_left(job: BatchJob) -> int | None:
    """Return how many records *job* has not answered so far, with those that failed; ``None`` if AWS has no counts."""
    unprocessed = job.unprocessed_record_count
    return None if unprocessed is None else unprocessed + (job.error_record_count or 0)


def too_many(message: str) -> UserError:
    """Return the error for more records than a job on demand takes; *message* says how many there are."""
    return UserError(
        f"{message} A job on demand takes at most {settings.ON_DEMAND_RECORDS:,}.",
        "input_s3_uri",
        "Run them as a batch job, or ask the operator to raise BATCHCONSOLE_ON_DEMAND_RECORDS.",
    )


def _report(
    connection: Connection,
    *,
    input_s3_uri: str,
    model_id: str,
    model_invocation_type: str,
    record_limit: int | None = None,
) -> Report | None:
    """Check the records that would be sent; return ``None`` if they are too large to be read while a page waits."""
    require_input(connection, input_s3_uri)
    found = [file for file in list_input(connection.target, input_s3_uri).files if file.name.endswith(".jsonl")]
    if not found:
        raise UserError(f"There is no .jsonl object at {input_s3_uri}.", "input_s3_uri", "Choose another input.")
    is_large = sum(file.size for file in found) > READ_BYTES
    sent = _beginning(found, record_limit) if record_limit is not None else None if is_large else found
    if sent is None:
        return None
    return _checked(
        connection,
        sent,
        input_s3_uri=input_s3_uri,
        model_id=model_id,
        invocation_type=model_invocation_type,
    )


def _checked(
    connection: Connection,
    files: Iterable[InputFile],
    *,
    input_s3_uri: str,
    model_id: str,
    invocation_type: str,
    progress: preflight.ProgressCallback | None = None,
) -> Report:
    report = preflight.check(
        files,
        model_id=model_id,
        invocation_type=invocation_type,
        limits=replace(limits_for(connection, model_id), min_records_per_job=1),
        input_s3_uri=input_s3_uri,
        price=price_in_lane(model_id, connection.region, BatchJob.Lane.ON_DEMAND),
        progress=progress,
    )
    if not report.records:
        raise UserError("The input has no record.", "input_s3_uri", "Choose another input.")
    return report


def cost_of(
    job: BatchJob,
    files: Iterable[InputFile],
    counts: Mapping[str, int],
    *,
    progress: preflight.ProgressCallback | None = None,
) -> Decimal | None:
    """Return the highest cost in USD of the first records of *files*, *counts* of each; ``None`` if it is unknown.

    Reads as much as it must, so a worker calls it. Raises AwsError.
    """
    sent = [InputFile(file.name, file.size, partial(_first_lines, file, counts[file.name])) for file in files]
    report = _checked(
        job.connection,
        [file for file in sent if counts[file.name]],
        input_s3_uri=job.input_s3_uri,
        model_id=job.model_id,
        invocation_type=job.model_invocation_type,
        progress=progress,
    )
    return usd_at_most(report)


def _first_lines(file: InputFile, most: int, *, start: int = 0) -> Iterator[bytes]:
    """Read *file* from *start* to the end of its first *most* lines that are not blank."""
    for line in islice(_lines(file, start=start), most):
        yield line + b"\n"


def usd_at_most(report: Report) -> Decimal | None:
    """Return the highest cost of the records of *report*, ``None`` if the price or the length of answers is unknown."""
    cost = report.cost.usd_at_most if report.cost else None
    return None if cost is None else min(cost.quantize(MICRO_USD), MOST_USD)


def _beginning(found: Iterable[InputFile], most: int) -> list[InputFile] | None:
    """Return the first *most* lines of *found* that are not blank, in memory; ``None`` if they are too large for it."""
    kept, left, room = [], most, READ_BYTES
    for file in found:
        lines = []
        for line in islice(_lines(file), left):
            room -= len(line)
            if room < 0:
                return None
            lines.append(line)
        left -= len(lines)
        if lines:
            kept.append(files.from_bytes(file.name, b"\n".join([*lines, b""])))
        if not left:
            break
    return kept


def _lines(file: InputFile, *, start: int = 0) -> Iterator[bytes]:
    for batch in batches(file.open(start=start)):
        yield from (line for line in batch.lines if line.strip())
