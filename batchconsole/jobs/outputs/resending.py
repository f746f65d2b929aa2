"""Resend the records that a job left without an answer, and read a job and its resends as one."""

import logging
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import groupby
from typing import cast

from django.db import transaction
from django.db.models import Q

from batchconsole.aws.errors import AwsError
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.finding.querysets import BatchJobQuerySet
from batchconsole.jobs.leases import Lease
from batchconsole.jobs.models import Actor, BatchJob, Connection, MadeInput, ResultIndex, Status
from batchconsole.jobs.outputs.result_pages import output_files
from batchconsole.jobs.outputs.results import input_files, output_folder
from batchconsole.jobs.rights.access import require_on_job, require_places
from batchconsole.jobs.signals import nudge
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.joining import JoinedRow, Run, join, join_in_order
from batchconsole.records.matching import pair
from batchconsole.records.retry import Resent, chosen, resend
from batchconsole.records.schema_columns import Column, Kind, merged

logger = logging.getLogger(__name__)

Counted = Callable[[int], None]
AT_ONCE_BYTES = 4 * 2**20  # of input and output that are read while a page waits: about a second


def start_resend(
    job: BatchJob,
    actor: Actor,
    *,
    failed: bool,
    unanswered: bool,
    merges: Collection[BatchJob] = (),
    at_least: int = 0,
    request_token: str = "",
    is_nudged: bool = True,
) -> MadeInput:
    """Schedule a worker to write the chosen records of *job*, and of the jobs *merges*, as a new input.

    The input is written beside the output of *job*. *at_least* adds answered records until there are that many. A
    caller that makes the input itself passes ``is_nudged=False``. Raises NotAllowed and :class:`UserError`.
    """
    _require_resending(job, actor, merges)
    if not (failed or unanswered):
        raise UserError("Choose the records to resend.", "outcomes")
    if job.results != BatchJob.Results.READY:
        raise UserError("The results of this job have not been read.", hint="Wait for them, or read them again.")
    with transaction.atomic():
        Connection.objects.lock(job.connection_id)  # it points to many jobs: see jobs/locks.py
        made: MadeInput = MadeInput.objects.create(
            connection=job.connection,
            created_by=actor,
            source_name=job.job_name,
            source_size=0,
            resend_of=job,
            resends_failed=failed,
            resends_unanswered=unanswered,
            resends_at_least=at_least,
            request_token=request_token,
        )
        made.merges.set(merges)
        _place_beside_output(made, job)
        if is_nudged:
            nudge("make_input", made.pk)
    return made


def _place_beside_output(made: MadeInput, job: BatchJob) -> None:
    bucket, folder = output_folder(job)
    is_folder = made.merges.exists() or job.merges.exists()
    made.output_s3_uri = f"s3://{bucket}/{folder}resend-{made.pk}/{'' if is_folder else 'input.jsonl'}"
    made.save(update_fields=["output_s3_uri"])


def is_small(job: BatchJob, merges: Collection[BatchJob] = ()) -> bool:
    """Whether the records of *job* and of *merges* can be read and resent while a page waits."""
    try:
        files = [file for each in (job, *merges) for file in (*input_files(each), *output_files(each))]
    except (AwsError, UserError) as error:
        logger.info("The input of job %s cannot be listed now: %s", job.pk, error)
        return False
    return sum(file.size for file in files) <= AT_ONCE_BYTES


def _require_resending(job: BatchJob, actor: Actor, merges: Collection[BatchJob]) -> None:
    for each in (job, *merges):
        require_on_job(actor, each)
        require_places(each.connection, read=each.output_s3_uri)
    require_places(job.connection, output=job.output_s3_uri)


def mergeable(job: BatchJob) -> BatchJobQuerySet:
    """Return other jobs for the same model whose failed or unanswered records can be sent together with those of *job*.

    This excludes jobs that share records with *job*: the jobs that it resends, and other resends of those.
    """
    family = {job.pk, job.resend_of_id, *job.merges.values_list("pk", flat=True)} - {None}
    same: BatchJobQuerySet = BatchJob.objects.filter(
        connection=job.connection,
        base_model_id=job.base_model_id,
        model_invocation_type=job.model_invocation_type,
        results=BatchJob.Results.READY,
        merges=None,
    )
    incomplete = Q(error_record_count__gt=0) | Q(status__in=(Status.STOPPED, Status.PARTIALLY_COMPLETED))
    return same.filter(incomplete).exclude(pk__in=family).exclude(resend_of__in=family).select_related("connection")


def objects(made: MadeInput, lease: Lease, *, read: Counted) -> Iterator[tuple[str, Iterator[Resent]]]:
    """Yield the URI of each object that *made* asks for, and its records; *read* gets the number of bytes of each read.

    If records of several jobs are merged, each job's records go into a separate file, so that equal recordIds do not
    collide. Raises AwsError and :class:`UserError`.
    """
    job = cast(BatchJob, made.resend_of)
    runs = {source: run_of(source, read=read) for source in (*made.merges.select_related("connection"), job)}
    lease.write(source_size=2 * sum(file.size for run in runs.values() for file in run.inputs))  # to pair, and to send
    missing = made.resends_at_least
    for source, run in runs.items():
        pairing = pair(run.inputs, run.outputs, output_index=_read_index(source).index)
        wanted = chosen(
            pairing,
            failed=made.resends_failed,
            unanswered=made.resends_unanswered,
            at_least=missing if source == job else 0,
        )
        missing -= sum(wanted)
        for name, records in groupby(resend(run.inputs, wanted), key=partial(_name, made, source)):
            yield made.output_s3_uri + name, records


def _name(made: MadeInput, source: BatchJob, record: Resent) -> str:
    """Return the name of the file for *record* in the folder of *made*; empty if all records go into one object."""
    if not made.is_folder:
        return ""
    return record.file if source.merges.exists() else _file_of(source)


def _file_of(job: BatchJob) -> str:
    """Return the name of the file with the records of *job* in a resend that merges several jobs."""
    return f"{job.output_id}.jsonl"


def run_of(job: BatchJob, *, read: Counted | None = None) -> Run:
    """Return input and output of *job*, whose results have been read, as files.

    Raises AwsError, :class:`UserError`, and NotAllowed if the connection does not allow the location of this output.
    """
    require_places(job.connection, read=job.output_s3_uri)
    inputs = input_files(job)
    if read:
        inputs = [InputFile(file.name, file.size, partial(_counting, file, read)) for file in inputs]
    return Run(inputs, output_files(job), family_for(job.model_id, job.model_invocation_type))


def _read_index(job: BatchJob) -> ResultIndex:
    """Return what was read of the output of *job*. Raises :class:`UserError` if it has been deleted meanwhile."""
    stored: ResultIndex | None = ResultIndex.objects.filter(job=job).first()
    if stored is None:
        raise UserError(
            f"The results of the job {job.job_name} are not kept any more.",
            hint="Choose “Read again” on the page of that job, and try this once its results are read.",
        )
    return stored


def _counting(file: InputFile, read: Counted, *, start: int = 0) -> Iterator[bytes]:
    for chunk in file.open(start=start):
        read(len(chunk))
        yield chunk


def lineage(job: BatchJob) -> list[BatchJob]:
    """Return *job* and its direct and indirect resends, oldest first, without those whose results are not read."""
    found, generation = [job], [job]
    while generation:
        resent = BatchJob.objects.resends_of(generation).select_related("connection").order_by("created_at")
        generation = [each for each in resent if each not in found]
        found += generation
    return [each for each in found if each.results == BatchJob.Results.READY]


def joined(job: BatchJob, *, with_resends: bool, in_input_order: bool = False) -> Iterator[JoinedRow]:
    """Yield one row for each record of *job* with its first good answer. Raises :class:`UserError` and AwsError.

    Without *in_input_order*, rows come in the order of the output.
    """
    jobs = lineage(job) if with_resends else [job]
    run = run_of(jobs[0])
    names = {_file_of(each) for each in jobs if not each.merges.exists()}
    if job.merges.exists():
        names |= {file.name for file in run.inputs}
    runs = [run, *(_part(other, names) for other in jobs[1:])]
    return join_in_order(runs) if in_input_order else join(runs)


def schema_fields(job: BatchJob, *, with_resends: bool) -> list[Column] | None:
    """Return the top-level fields of the output schemas in the requests of *job*; ``None`` if there is no schema."""
    fields: dict[str, Kind] = {}
    has_schema = False
    for each in lineage(job) if with_resends else [job]:
        totals = _read_index(each).totals
        has_schema |= bool(totals.with_schema)
        merged(fields, totals.columns)
    return [Column(name, kind) for name, kind in fields.items()] if has_schema else None


def _part(resent: BatchJob, names: set[str]) -> Run:
    """Return the run of *resent*; if it merges several jobs, only its files with the given *names*."""
    run = run_of(resent)
    if not resent.merges.exists():
        return run
    return Run(
        [file for file in run.inputs if file.name in names],
        [file for file in run.outputs if file.name.removesuffix(".out") in names],
        run.family,
    )
