"""Sending again what a job left without an answer, and reading a job and its resends as one."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, cast

from django.db import transaction

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, MadeInput
from batchconsole.jobs.results import input_files, output_files, output_folder
from batchconsole.jobs.signals import nudge
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.joining import Row, Run, join
from batchconsole.records.matching import pair
from batchconsole.records.retry import resend

Counted = Callable[[int], None]


def start(job: BatchJob, actor: Any, *, failed: bool, unanswered: bool, at_least: int = 0) -> MadeInput:
    """Have the chosen records of *job* written as a new input beside its output, by a worker.

    *at_least* sends answered records again too, until there are so many. Raises :class:`UserError`.
    """
    if not (failed or unanswered):
        raise UserError("Choose what to send again.", "outcomes")
    if job.results != BatchJob.Results.READY:
        raise UserError("The results of this job have not been read.", hint="Wait for them, or read them again.")
    with transaction.atomic():
        made: MadeInput = MadeInput.objects.create(
            connection=job.connection,
            created_by=actor,
            source_name=job.job_name,
            source_size=0,
            resend_of=job,
            resends_failed=failed,
            resends_unanswered=unanswered,
            resends_at_least=at_least,
        )
        bucket, folder = output_folder(job)
        made.output_s3_uri = f"s3://{bucket}/{folder}resend-{made.pk}/input.jsonl"
        made.save(update_fields=["output_s3_uri"])
        nudge("make_input", made.pk)
    return made


class Resent(NamedTuple):
    """A record sent again: its line, as it stands in the job's input."""

    line: bytes


def records(made: MadeInput, read: Counted) -> Iterator[Resent]:
    """The records that *made* asks for; *read* is told how many bytes of the input were read for them.

    Raises AwsError, and :class:`UserError` when there are none.
    """
    job = cast(BatchJob, made.resend_of)
    run = run_of(job, read=read)
    made.say(source_size=2 * sum(file.size for file in run.inputs))  # read to pair, and again to send
    pairing = pair(run.inputs, run.outputs, output_index=job.result_index.index)
    nothing = True
    for line in resend(
        run.inputs,
        pairing,
        failed=made.resends_failed,
        unanswered=made.resends_unanswered,
        at_least=made.resends_at_least,
    ):
        nothing = False
        yield Resent(line)
    if nothing:
        raise UserError("No record of this job is left to send again.")


def run_of(job: BatchJob, *, read: Counted | None = None) -> Run:
    """Input and output of *job*, whose results have been read, as files; raises :class:`UserError` and AwsError."""
    inputs = input_files(job)
    if read:
        inputs = [InputFile(file.name, file.size, partial(_counting, file, read)) for file in inputs]
    return Run(inputs, output_files(job), family_for(job.model_id, job.model_invocation_type))


def _counting(file: InputFile, read: Counted, *, start: int = 0) -> Iterator[bytes]:
    for chunk in file.open(start=start):
        read(len(chunk))
        yield chunk


def lineage(job: BatchJob) -> list[BatchJob]:
    """*job* and all that was sent again of it and of its resends, oldest first, as far as results have been read."""
    found, generation = [job], [job]
    while generation:
        resent = BatchJob.objects.filter(resend_of__in=generation).select_related("connection").order_by("created_at")
        generation = list(resent)
        found += generation
    return [each for each in found if each.results == BatchJob.Results.READY]


def joined(job: BatchJob, *, with_resends: bool) -> Iterator[Row]:
    """One row for each record of *job*, the newest answer counting; raises :class:`UserError` and AwsError."""
    jobs = lineage(job) if with_resends else [job]
    return join([run_of(each) for each in jobs])
