"""Whatever ends a job does all that an end needs, in the end's own transaction."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from batchconsole.jobs.models import ENDED, ENDED_ON_AWS, OCCUPYING, BatchJob, Connection, Status, Verb
from batchconsole.jobs.states import NEXT
from batchconsole.jobs.sync import OVERLAP, sync
from tests.jobs.bedrock_double import BedrockDouble
from tests.jobs.conftest import arn, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]
ENDS = [(old, new) for old, following in NEXT.items() for new in sorted(following & ENDED) if old not in ENDED]


def turned_away(connection: Connection) -> BatchJob:
    """A job that waits for the model's quota."""
    later = timezone.now() + timedelta(minutes=9)
    return make_job(connection, error_code="ServiceQuotaExceededException", due_at=later)


def is_due(job: BatchJob) -> bool:
    job.refresh_from_db()
    return job.due_at is not None and job.due_at <= timezone.now()


@pytest.mark.parametrize(("old", "new"), ENDS)
def test_every_end_asks_for_output_and_moves_the_queue_on(
    nowhere: Connection, nudges: Nudges, old: str, new: str
) -> None:
    job, waiting = make_job(nowhere, status=old, job_arn=arn(1)), turned_away(nowhere)
    job.transition(new, verb=Verb.REPORTED)
    has_output = new in ENDED_ON_AWS
    assert (job.results == BatchJob.Results.PENDING, is_due(job), job.due_at is not None) == (has_output,) * 3
    assert nudges == [("collect_results", job.pk)] * has_output
    assert is_due(waiting) == (old in OCCUPYING)


def test_a_job_aws_never_had_has_no_output(nowhere: Connection, nudges: Nudges) -> None:
    job = make_job(nowhere, status=Status.SUBMITTING)
    job.transition(Status.SUBMIT_FAILED, verb=Verb.SUBMIT_FAILED)
    assert (job.results, job.due_at, nudges) == (BatchJob.Results.NONE, None, [])


def test_an_end_that_is_rolled_back_asks_for_nothing(nowhere: Connection, nudges: Nudges) -> None:
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1), due_at=None)
    with transaction.atomic():
        job.transition(Status.COMPLETED, verb=Verb.REPORTED)
        transaction.set_rollback(True)
    job.refresh_from_db()
    assert (job.results, job.due_at, nudges) == (BatchJob.Results.NONE, None, [])


def test_a_job_aws_has_forgotten_is_read_and_moves_the_queue_on(nowhere: Connection, nudges: Nudges) -> None:
    long_ago = timezone.now() - 2 * OVERLAP
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1), submit_time=long_ago, status_changed_at=long_ago)
    waiting = turned_away(nowhere)
    with BedrockDouble() as double:
        Connection.objects.update(bedrock_endpoint_url=double.url)
        sync(nowhere)
    job.refresh_from_db()
    assert (job.status, job.results) == (Status.FAILED, BatchJob.Results.PENDING)
    assert nudges == [("collect_results", job.pk)]
    assert is_due(waiting)
