"""Following a whole account through its job list, against the local Bedrock or, for odd lists, a small double."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.jobs import lifecycle
from batchconsole.jobs.models import ENDED_ON_AWS, BatchJob, Connection, Status, Verb
from batchconsole.jobs.queue import scheduling
from batchconsole.jobs.sync import OVERLAP, sync
from tests.jobs.bedrock_double import BedrockDouble
from tests.jobs.conftest import LocalBedrock, arn, claim, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]


def elsewhere(connection: Connection, fields: dict[str, Any]) -> str:
    """A job made by somebody else's boto3; its ARN."""
    row = make_job(connection, **fields)
    request = replace(row.request, job_name=f"foreign-{uuid4().hex[:12]}")
    row.delete()
    return bedrock.create_model_invocation_job(connection.target, request)


@pytest.fixture
def double(nowhere: Connection) -> Any:
    """A job list of any size, with the connection onto it."""
    with BedrockDouble() as running:
        nowhere.bedrock_endpoint_url = running.url
        nowhere.save()
        yield running


def test_it_works(job: BatchJob, nudges: Nudges) -> None:
    lifecycle.submit(job)
    until_ended(job)
    assert job.status == Status.COMPLETED
    assert (job.total_record_count, job.processed_record_count) == (100, 100)
    assert job.end_time
    assert job.events.filter(verb=Verb.REPORTED, to_status=Status.COMPLETED).count() == 1
    assert nudges[-1] == ("collect_results", job.pk)


def until_ended(job: BatchJob) -> None:
    deadline = time.monotonic() + 60
    while job.status not in ENDED_ON_AWS and time.monotonic() < deadline:
        sync(job.connection)
        job.refresh_from_db()
        time.sleep(0.05)


def test_an_ended_job_waits_to_be_read(job: BatchJob) -> None:
    lifecycle.submit(job)
    until_ended(job)
    assert job.results == BatchJob.Results.PENDING
    assert job.due_at
    assert job.due_at <= timezone.now()


def test_jobs_made_elsewhere_are_imported(connection: Connection, fields: dict[str, Any]) -> None:
    foreign = elsewhere(connection, fields)
    sync(connection)
    job = BatchJob.objects.get(job_arn=foreign)
    assert (job.origin, job.created_by) == (BatchJob.Origin.IMPORTED, None)
    assert (job.input_s3_uri, job.role_arn) == (fields["input_s3_uri"], fields["role_arn"])
    assert job.created_at == job.submit_time
    assert next(event.verb for event in job.events.order_by("id")) == Verb.IMPORTED


def test_nothing_is_imported_twice(connection: Connection, fields: dict[str, Any]) -> None:
    foreign = elsewhere(connection, fields)
    sync(connection)
    sync(connection)
    assert BatchJob.objects.filter(job_arn=foreign).count() == 1
    assert connection.events.filter(verb=Verb.IMPORTED, job__job_arn=foreign).count() == 1


def test_imported_jobs_count_against_their_model(double: BedrockDouble, nowhere: Connection) -> None:
    double.add(status="InProgress", model_id="arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0")
    sync(nowhere)
    assert scheduling.free_places(nowhere.pk, "amazon.nova-micro-v1:0") == 19


def test_a_lost_answer_is_found_by_its_token(job: BatchJob) -> None:
    claim(job)
    created = bedrock.create_model_invocation_job(job.connection.target, job.request)
    sync(job.connection)
    job.refresh_from_db()
    assert (job.job_arn, job.due_at is None or job.status in ENDED_ON_AWS) == (created, True)
    assert job.events.filter(verb=Verb.ADOPTED).count() == 1
    assert BatchJob.objects.filter(job_arn=created).count() == 1


def test_the_message_of_a_failed_job_is_kept(double: BedrockDouble, nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.VALIDATING, job_arn=arn(1), submit_time=timezone.now(), due_at=None)
    double.add(number=1, status="Failed", message="Could not validate GetObject permissions.")
    sync(nowhere)
    job.refresh_from_db()
    assert (job.status, job.message) == (Status.FAILED, "Could not validate GetObject permissions.")


def test_an_earlier_state_is_not_believed(double: BedrockDouble, nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.STOPPING, job_arn=arn(1), submit_time=timezone.now(), due_at=None)
    double.add(number=1, status="InProgress")
    sync(nowhere)
    job.refresh_from_db()
    assert job.status == Status.STOPPING


def test_counts_move_without_a_step(double: BedrockDouble, nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1), submit_time=timezone.now(), due_at=None)
    double.add(number=1, status="InProgress", processedRecordCount=40)
    sync(nowhere)
    job.refresh_from_db()
    assert job.processed_record_count == 40
    assert not job.events.exists()


def test_nothing_new_writes_nothing(double: BedrockDouble, nowhere: Connection) -> None:
    double.add(status="InProgress")
    sync(nowhere)
    before = BatchJob.objects.get().modified_at
    found = sync(nowhere)
    assert found
    assert (found.changed, found.imported, BatchJob.objects.get().modified_at) == (0, 0, before)


def test_the_first_pass_reads_all_history(double: BedrockDouble, nowhere: Connection) -> None:
    for age in range(2500):
        double.add(status="Completed", age=timedelta(days=1, minutes=age))
    found = sync(nowhere)
    assert found
    assert (found.calls, found.imported) == (3, 2500)


def test_later_passes_read_what_is_new(double: BedrockDouble, nowhere: Connection) -> None:
    for age in range(2500):
        double.add(status="Completed", age=timedelta(days=1, minutes=age))
    sync(nowhere)
    double.add(status="Submitted")
    found = sync(Connection.objects.get())
    assert found
    assert (found.calls, found.imported) == (1, 1)


def test_history_is_read_when_somebody_asks(double: BedrockDouble, nowhere: Connection, nudges: Nudges) -> None:
    double.add(number=1, status="Completed", age=timedelta(days=3))
    double.add(number=2, status="Completed", age=timedelta(minutes=3))
    sync(nowhere)
    old, new = (BatchJob.objects.get(job_arn=arn(number)) for number in (1, 2))
    assert (old.results, old.due_at) == (BatchJob.Results.NONE, None)
    assert nudges == [("collect_results", new.pk)]


def test_a_live_job_older_than_the_pages_is_asked_for(double: BedrockDouble, nowhere: Connection) -> None:
    """One call more is cheaper than the pages of a busy account between it and now."""
    long_ago = timezone.now() - timedelta(days=2)
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_arn=arn(1), submit_time=long_ago, due_at=None)
    nowhere.sync_watermark = timezone.now()
    nowhere.save()
    double.add(number=1, status="Completed", age=timedelta(days=2))
    for age in range(3000):
        double.add(status="Completed", age=timedelta(hours=1, seconds=age))
    found = sync(nowhere)
    job.refresh_from_db()
    assert found
    assert (job.status, found.calls) == (Status.COMPLETED, 2)


def test_ten_thousand_live_jobs_take_eleven_calls_at_most(double: BedrockDouble, nowhere: Connection) -> None:
    now = timezone.now()
    for number in range(10_000):
        double.add(number=number, status="InProgress", age=timedelta(seconds=number))
    BatchJob.objects.bulk_create(
        BatchJob(
            connection=nowhere,
            job_name=f"job-{number}",
            status=Status.IN_PROGRESS,
            job_arn=arn(number),
            submit_time=now - timedelta(seconds=number),
            due_at=None,
        )
        for number in range(10_000)
    )
    nowhere.sync_watermark = now
    nowhere.save()
    found = sync(nowhere)
    assert found
    assert found.calls <= 11
    assert found.missing == {}


def test_a_job_aws_has_forgotten_ends(double: BedrockDouble, nowhere: Connection) -> None:
    long_ago = timezone.now() - 2 * OVERLAP
    job = make_job(
        nowhere,
        status=Status.IN_PROGRESS,
        job_arn=arn(1),
        submit_time=long_ago,
        status_changed_at=long_ago,
        due_at=None,
    )
    sync(nowhere)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "ResourceNotFoundException")
    assert job.events.get().verb == Verb.MISSING


def test_a_job_the_list_does_not_show_yet_is_given_time(double: BedrockDouble, nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.SUBMITTED, job_arn=arn(1), submit_time=timezone.now(), due_at=None)
    sync(nowhere)
    job.refresh_from_db()
    assert job.status == Status.SUBMITTED


def test_a_status_nobody_has_heard_of_does_no_harm(double: BedrockDouble, nowhere: Connection) -> None:
    double.add(number=1, status="Pondering")
    sync(nowhere)
    sync(nowhere)
    assert BatchJob.objects.get().status == Status.SUBMITTED


def test_an_error_is_kept_on_the_connection(nowhere: Connection) -> None:
    assert sync(nowhere) is None
    nowhere.refresh_from_db()
    assert nowhere.sync_error
    assert (nowhere.sync_error["code"], nowhere.sync_failures) == ("EndpointUnreachable", 1)
    assert nowhere.sync_error["hint"]


def test_errors_slow_it_down_and_success_forgets_them(connection: Connection, local_bedrock: LocalBedrock) -> None:
    for _ in range(2):
        local_bedrock.fault("error", "ListModelInvocationJobs")
        sync(connection)
    assert connection.sync_failures == 2
    assert connection.sync_due_at > timezone.now() + timedelta(seconds=8)
    sync(connection)
    assert (connection.sync_failures, connection.sync_error) == (0, None)
    assert connection.synced_at


def test_it_is_fast_while_things_change_and_slow_when_they_do_not(double: BedrockDouble, nowhere: Connection) -> None:
    assert due_in(nowhere) == 60
    job = make_job(nowhere, status=Status.SCHEDULED, job_arn=arn(1), submit_time=timezone.now(), due_at=None)
    double.add(number=1, status="Scheduled")
    assert due_in(nowhere) < 5
    BatchJob.objects.filter(pk=job.pk).update(modified_at=timezone.now() - timedelta(minutes=2))
    assert 20 < due_in(nowhere) < 30


def due_in(connection: Connection) -> float:
    sync(connection)
    assert connection.synced_at
    return (connection.sync_due_at - connection.synced_at).total_seconds()


def test_a_submitted_job_is_followed_at_once(job: BatchJob) -> None:
    sync(job.connection)
    lifecycle.submit(job)
    job.connection.refresh_from_db()
    assert job.connection.sync_due_at <= timezone.now()
