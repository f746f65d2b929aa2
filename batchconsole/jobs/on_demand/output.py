"""The output of a job on demand: the answers so far as rows, then objects in S3 like those of a batch job."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from batchconsole.aws import s3
from batchconsole.aws.s3_stream import write_stream
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import BatchJob, OnDemandAnswer
from batchconsole.jobs.outputs.results import MANIFEST, output_folder
from batchconsole.records.on_demand import Record, Tally

ROWS_AT_ONCE = 100


def answered_places(job: BatchJob) -> set[int]:
    """Return the places of the records that have an output line."""
    return set(OnDemandAnswer.objects.filter(job=job).order_by().values_list("place", flat=True))


def keep_lines(job: BatchJob, lines: Iterable[tuple[Record, bytes]]) -> None:
    """Store the output lines of records; the caller holds the lease of *job* in a transaction."""
    rows = [OnDemandAnswer(job=job, place=record.place, file=record.file, line=line) for record, line in lines]
    OnDemandAnswer.objects.bulk_create(rows)


def write_output(job: BatchJob, lease: Lease) -> Tally:
    """Write the output lines of *job* as one object per input file, then the manifest; return their counts.

    Doing it again writes the same. Without lines, nothing is written. Raises AwsError.
    """
    tally = Tally()
    rows = OnDemandAnswer.objects.filter(job=job).order_by("place")
    if not rows.exists():
        return tally
    target, (bucket, folder) = job.connection.target, output_folder(job)
    for file, answers in groupby(rows.iterator(chunk_size=ROWS_AT_ONCE), key=lambda row: str(row.file)):
        write_stream(target, bucket, f"{folder}{file}.out", _counted(answers, tally, lease))
    s3.put_object(target, bucket, f"{folder}{MANIFEST}", tally.manifest(job.total_record_count or tally.records))
    return tally


def _counted(answers: Iterator[OnDemandAnswer], tally: Tally, lease: Lease) -> Iterator[bytes]:
    for answer in answers:
        line = bytes(answer.line)
        tally.add(line)
        lease.renew()
        yield line
