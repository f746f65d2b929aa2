"""Run one input on several models and compare the answers: a job for each model, and marks of the better answers.

The jobs are created by the same verb as those of the form, all of them or none. Once the results of two of them have
been read, a worker reads their outputs and stores which answers differ; ``comparison_pages.py`` reads pages of them.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.cloning import free_names
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.leases import SCAN, Failure, Lease, step
from batchconsole.jobs.lifecycle import create_job
from batchconsole.jobs.models import (
    Actor,
    AnswerMark,
    BatchJob,
    ComparedJob,
    Comparison,
    Connection,
    Event,
    ResultIndex,
    Right,
    Verb,
)
from batchconsole.jobs.outputs.result_pages import output_files
from batchconsole.jobs.outputs.results import CHANGED, input_files
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.rights.access import require, require_any, require_on_job, require_places
from batchconsole.jobs.signals import nudge
from batchconsole.records import catalogue
from batchconsole.records.comparing import Compared, Side, compare
from batchconsole.records.families import family_for
from batchconsole.records.files import InputFile
from batchconsole.records.fingerprints import fingerprints

logger = logging.getLogger(__name__)

MOST_MODELS = 5  # whose answers a page shows beside each other
OTHERS = "other_model_ids"  # the form's field for the models besides the first
TIE = 0  # the number of no job
MAY_MARK = (Right.SUBMIT, Right.OPERATE)
LONGEST_MODEL_NAME = 30  # characters of a model's id in the name of its job


def require_one_body(model_ids: Sequence[str], invocation_type: str) -> None:
    """Raise :class:`UserError` if one input cannot suit all of *model_ids*: with InvokeModel, bodies differ by family.

    A model of unknown family is let through, because only AWS knows what it takes.
    """
    families = {family.name: model_id for model_id in model_ids if (family := family_for(model_id, invocation_type))}
    if len(families) > 1:
        names = ", ".join(f"{model_id} takes {name} bodies" for name, model_id in families.items())
        raise UserError(
            f"With InvokeModel, these models do not take the same records: {names}.",
            OTHERS,
            "Choose models of one family, or choose Converse, whose records suit any model.",
        )


def start_comparison(
    connection: Connection,
    actor: Actor,
    request: JobRequest,
    *,
    other_model_ids: Sequence[str],
    check_input: bool = True,
    start_at: datetime | None = None,
    clone_of: BatchJob | None = None,
    request_token: str = "",
) -> Comparison:
    """Create a job of *request* for its model and for each of *other_model_ids*, all or none, and their comparison.

    Raises NotAllowed and :class:`UserError`.
    """
    model_ids = list(dict.fromkeys([request.model_id, *other_model_ids]))
    if not 1 < len(model_ids) <= MOST_MODELS:
        raise UserError(f"Choose 2 to {MOST_MODELS} different models.", OTHERS)
    require_one_body(model_ids, request.model_invocation_type)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        names = free_names(connection, request.job_name, _ends_of(model_ids))
        jobs = [
            create_job(
                connection=connection,
                actor=actor,
                request=replace(request, job_name=name, model_id=model_id, client_request_token=""),
                check_input=check_input,
                start_at=start_at,
                clone_of=clone_of if model_id == request.model_id else None,
            )
            for name, model_id in zip(names, model_ids, strict=True)
        ]
        return _create(jobs, actor, title=request.job_name, request_token=request_token)


def _ends_of(model_ids: Sequence[str]) -> list[str]:
    """Return a different end for the name of each model's job: ``-claude-3-haiku``, ``-nova-lite``."""
    ends: list[str] = []
    for model_id in model_ids:
        name = catalogue.bare_id(model_id).rpartition("/")[2].partition(".")
        bare = re.sub(r"(-\d{8})?(-v\d+)?(:\d+)*$", "", name[2] or name[0])
        end = "-" + re.sub(r"[^a-zA-Z0-9.+-]+", "-", bare)[:LONGEST_MODEL_NAME].strip("-+.")
        ends.append(end if end not in ends else f"{end}-{len(ends) + 1}")
    return ends


def compare_jobs(connection: Connection, actor: Actor, jobs: Sequence[BatchJob]) -> Comparison:
    """Return the comparison of *jobs*, which have the same input; a new one if exactly these have none yet.

    Raises NotAllowed and :class:`UserError`.
    """
    require_any(actor, MAY_MARK, connection)
    if not 1 < len(jobs) <= MOST_MODELS:
        raise UserError(f"Select 2 to {MOST_MODELS} jobs to compare their answers.")
    if len({job.input_s3_uri.rstrip("/") for job in jobs}) > 1:
        raise UserError("These jobs have different input.", hint="Select jobs with the same input to compare answers.")
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        known = Comparison.objects.filter(connection=connection).annotate(size=Count("jobs")).filter(size=len(jobs))
        for job in jobs:
            known = known.filter(pk__in=ComparedJob.objects.filter(job=job).values("comparison"))
        found: Comparison | None = known.first()
        return found or _create(jobs, actor, title=" and ".join(job.job_name for job in jobs)[:200])


def _create(jobs: Sequence[BatchJob], actor: Actor, *, title: str, request_token: str = "") -> Comparison:
    """Create the comparison of *jobs*; the caller holds the lock on their connection."""
    first = jobs[0]
    is_ready = any(job.results == BatchJob.Results.READY for job in jobs)
    comparison: Comparison = Comparison.objects.create(
        connection=first.connection,
        created_by=actor,
        title=title,
        input_s3_uri=first.input_s3_uri,
        request_token=request_token,
        due_at=timezone.now() if is_ready else None,
    )
    ComparedJob.objects.bulk_create(
        ComparedJob(comparison=comparison, number=number, job=job, job_name=job.job_name, model_id=job.model_id)
        for number, job in enumerate(jobs, 1)
    )
    data = {"comparison": comparison.pk, "jobs": [job.pk for job in jobs], "input_s3_uri": first.input_s3_uri}
    _record(comparison, Verb.COMPARISON_CREATED, actor=actor, data=data)
    if is_ready:
        nudge("compare_answers", comparison.pk)
    return comparison


def _record(comparison: Comparison, verb: Verb, *, actor: Actor, data: dict[str, object]) -> None:
    Event.objects.create(connection=comparison.connection, actor=actor, verb=verb, data=data)


def current_jobs(comparison: Comparison) -> list[tuple[ComparedJob, BatchJob | None]]:
    """Return each job of *comparison* as it is now: its newest correction if AWS never accepted it."""
    return [(row, row.current_job) for row in comparison.jobs.select_related("job__connection")]


def read_times(jobs: Sequence[BatchJob]) -> dict[str, str]:
    """Return when the results of each of *jobs* were read, by its key; jobs without results are left out."""
    read = ResultIndex.objects.filter(job__in=jobs, job__results=BatchJob.Results.READY)
    return {str(pk): at.isoformat() for pk, at in read.values_list("job", "read_at")}


# Longer than the longest silence of S3: three attempts of a minute.
@step(Comparison, queue=SCAN, hold=timedelta(minutes=4), waits={})
def compare_answers(comparison: Comparison, lease: Lease) -> None:
    """Compare the answers of the jobs whose results have been read; with fewer than two, there is nothing to do yet."""
    pairs = [(row, job) for row, job in current_jobs(comparison) if job is not None]
    times = read_times([job for _, job in pairs])
    ready = [(row, job) for row, job in pairs if str(job.pk) in times]
    if len(ready) < 2:
        lease.end(due_at=None, packed=b"", read_of={}, read_at=None)
        return
    for _, job in ready:
        require_places(job.connection, read=job.output_s3_uri)
    sides = [_side(row.number, job) for row, job in ready]
    inputs = _inputs(ready[0][1])
    compared = compare(inputs, sides, progress=lease.renew)
    if inputs and not compared.is_answered:  # the input was replaced since the jobs read it
        compared = compare(None, sides, progress=lease.renew)
    lease.end(due_at=None, packed=compared.pack(), read_of=times, read_at=timezone.now(), error=None)


def _side(number: int, job: BatchJob) -> Side:
    index = ResultIndex.objects.get(job=job).index
    return Side(number, output_files(job), index, family_for(job.model_id, job.model_invocation_type))


def _inputs(job: BatchJob) -> list[InputFile] | None:
    """Return the files of the input; ``None`` if it cannot be read any more, because the outputs are useful without."""
    try:
        return input_files(job) or None
    except (AwsError, UserError) as error:
        if isinstance(error, AwsError) and error.retryable:
            raise
        logger.warning("The input of job %s cannot be read for its comparison: %s", job.pk, error)
        return None


@compare_answers.on_failure
def _not_compared(comparison: Comparison, lease: Lease, error: Failure) -> None:
    can_help = isinstance(error, AwsError) and error.retryable and error.code not in CHANGED
    due_at = timezone.now() + scheduling.pause(error, 3) if can_help and isinstance(error, AwsError) else None
    lease.end(due_at=due_at, error=error.as_dict())


def compare_again(comparison: Comparison, actor: Actor) -> None:
    """Compare the answers again, now. Raises NotAllowed."""
    require_on_job(actor, comparison)
    with transaction.atomic():
        Comparison.objects.filter(pk=comparison.pk).update(due_at=timezone.now(), lease="", error=None)
        data: dict[str, object] = {"comparison": comparison.pk}
        _record(comparison, Verb.COMPARISON_REQUESTED, actor=actor, data=data)
        nudge("compare_answers", comparison.pk)


def remove_comparison(comparison: Comparison, actor: Actor) -> None:
    """Delete *comparison* and its marks; its jobs stay. Raises NotAllowed."""
    require_on_job(actor, comparison)
    with transaction.atomic():
        marks = comparison.marks.count()
        data: dict[str, object] = {"comparison": comparison.pk, "title": comparison.title, "marks": marks}
        _record(comparison, Verb.COMPARISON_DELETED, actor=actor, data=data)
        comparison.delete()


@dataclass(frozen=True)
class Marked:
    """What a person marks: the record, by its position and id, and the number of the better job (:data:`TIE`).

    ``number`` is ``None`` to take the mark back.
    """

    position: int
    record_id: str
    number: int | None


def mark_answer(comparison: Comparison, actor: Actor, marked: Marked) -> None:
    """Store which answer *actor* finds better; a person has one mark for each record, which can be changed.

    Raises NotAllowed, and :class:`UserError` if there is no such record or job.
    """
    require(actor, Right.READ, comparison.connection)
    require_any(actor, MAY_MARK, comparison.connection)
    key = _key_of(comparison.compared, marked)
    better = comparison.jobs.filter(number=marked.number).first() if marked.number else None
    if marked.number and better is None:
        raise UserError("This comparison has no such job.", hint="Reload the page.")
    record_id = _storable(marked.record_id)
    with transaction.atomic():
        if marked.number is None:
            AnswerMark.objects.filter(comparison=comparison, key=key, created_by=actor).delete()
        else:
            AnswerMark.objects.update_or_create(
                comparison=comparison,
                key=key,
                created_by=actor,
                defaults={
                    "position": marked.position,
                    "record_id": record_id,
                    "better": better,
                    "marked_at": timezone.now(),
                },
            )
        what = "none" if marked.number is None else better.job_name if better else "tie"
        data: dict[str, object] = {"comparison": comparison.pk, "record_id": record_id[:200], "better": what}
        _record(comparison, Verb.ANSWER_MARKED, actor=actor, data=data | {"position": marked.position})


def _storable(record_id: str) -> str:
    """Return *record_id* without NUL, which PostgreSQL does not store."""
    return _encodable(record_id).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _encodable(text: str) -> str:
    """Return *text* without halves of surrogate pairs, which UTF-8 does not have."""
    return text.encode("utf-8", "replace").decode()


def _key_of(compared: Compared | None, marked: Marked) -> int:
    """Return the key of the record; its id, which the page sends along, must be that of the position."""
    if compared is None or not 0 <= marked.position < len(compared):
        raise UserError("There is no such record in this comparison.", hint="Reload the page.")
    of_id = next(fingerprints([_encodable(marked.record_id)]))
    if compared.has_own_ids and compared.base.ids[marked.position] != of_id:
        raise UserError("The answers have been compared again since the page was opened.", hint="Reload the page.")
    return compared.keys()[marked.position]


def marks_by_job(comparison: Comparison) -> dict[int, int]:
    """Return how many marks say that each job is better, by its number; :data:`TIE` counts the ties."""
    counted = comparison.marks.order_by().values_list("better__number").annotate(marks=Count("pk"))
    return {number or TIE: marks for number, marks in counted}
