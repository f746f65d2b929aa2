"""The table that the console made a job's input from, with the answers: unchanged rows in their original order."""

from collections.abc import Iterator
from itertools import chain
from typing import cast

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs.input_sources import from_s3, read_table
from batchconsole.jobs.models import Actor, BatchJob, MadeInput
from batchconsole.jobs.outputs.resending import joined
from batchconsole.jobs.s3.storage import Storage
from batchconsole.records.joining import JoinedRow
from batchconsole.records.tables import Kind, TableError
from batchconsole.records.tables import Row as TableRow

Pair = tuple[TableRow, JoinedRow | None]


def table_of(job: BatchJob) -> MadeInput | None:
    """Return the latest making of the input of *job* that finished before the job was created, or None.

    Only input that the console made from a table that was kept in S3 counts.
    """
    made: MadeInput | None = (
        MadeInput.objects.filter(
            connection=job.connection,
            output_s3_uri=job.input_s3_uri,
            state=MadeInput.State.DONE,
            is_foreign=False,
            resend_of=None,
            finished_at__lte=job.created_at,
        )
        .exclude(source_s3_uri="")
        .order_by("-id")
        .first()
    )
    return made


def read_answered_table(
    job: BatchJob, made: MadeInput, actor: Actor, *, with_resends: bool
) -> tuple[list[str], Iterator[Pair]]:
    """Return the columns of the table, and each row with its answer, or None where the input has no record for the row.

    Raises :class:`UserError`, NotAllowed and AwsError, also if the table has changed since.
    """
    source = from_s3(Storage(job.connection, actor), made.source_s3_uri, etag=made.source_etag)
    rows = read_table(source, cast(Kind, made.kind), separator=made.separator, encoding=made.encoding)
    try:
        first = next(rows, None)
    except TableError as error:
        raise UserError(str(error), hint=error.hint) from error
    if first is None:
        return [], iter(())
    answers = joined(job, with_resends=with_resends, in_input_order=True)
    return list(first), ((row, next(answers, None)) for row in chain([first], rows))
