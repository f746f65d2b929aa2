"""One job from the form to AWS, against the local Bedrock through real boto3, with everything that can go wrong."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batchconsole.aws import bedrock
from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import clock, lifecycle
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import ENDED, ENDED_ON_AWS, BatchJob, Connection, Status, Verb
from batchconsole.jobs.service_roles import create_service_role
from batchconsole.jobs.sync import sync
from batchconsole.jobs.tags import edit_tags
from tests.jobs.conftest import LocalBedrock, claim, die, make_job

pytestmark = pytest.mark.django_db(transaction=True)
Nudges = list[tuple[str, int]]


def follow(job: BatchJob, *, until: frozenset[Status] = ENDED) -> BatchJob:
    """Sync until *job* is in one of the states."""
    deadline = time.monotonic() + 60
    while job.status not in until and time.monotonic() < deadline:
        sync(Connection.objects.get(pk=job.connection_id))
        job.refresh_from_db()
        time.sleep(0.05)
    return job


def verbs(job: BatchJob) -> list[str]:
    return [event.verb for event in job.events.order_by("id")]


def named_on_aws(job: BatchJob) -> list[str]:
    pages = bedrock.list_model_invocation_jobs(job.connection.target, name_contains=job.job_name)
    return [summary.job_arn for page in pages for summary in page]


def test_it_works(job: BatchJob) -> None:
    lifecycle.submit(job)
    job = follow(job)
    assert (job.status, job.success_record_count, job.error_record_count) == (Status.COMPLETED, 100, 0)
    assert verbs(job)[:3] == [Verb.CREATED, Verb.CLAIMED, Verb.SUBMITTED]


def test_creating_saves_and_nudges(
    connection: Connection, fields: dict[str, Any], person: User, nudges: Nudges
) -> None:
    asked = JobRequest(**fields, tags=({"key": "team", "value": "nlp"},))
    job = lifecycle.create_job(connection=connection, actor=person, request=asked)
    assert (job.status, job.created_by, job.tags) == (Status.QUEUED, person, [{"key": "team", "value": "nlp"}])
    assert nudges == [("submit", job.pk)]
    assert [(event.verb, event.actor) for event in job.events.all()] == [(Verb.CREATED, person)]


def test_a_wanted_check_comes_first(connection: Connection, fields: dict[str, Any], nudges: Nudges) -> None:
    job = lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**fields), check_input=True)
    assert job.status == Status.CHECKING
    assert nudges == [("check_input", job.pk)]


def test_nothing_is_nudged_that_is_not_saved(connection: Connection, fields: dict[str, Any], nudges: Nudges) -> None:
    with transaction.atomic():
        lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**fields))
        transaction.set_rollback(True)
    assert nudges == []
    assert not BatchJob.objects.exists()


def test_everything_asked_for_reaches_aws(connection: Connection, fields: dict[str, Any]) -> None:
    more = {
        "timeout_duration_in_hours": 48,
        "output_kms_key_id": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "input_bucket_owner": connection.account_id,
        "subnet_ids": ["subnet-1"],
        "security_group_ids": ["sg-1"],
        "tags": [{"key": "team", "value": ""}],
    }
    job = lifecycle.create_job(connection=connection, actor=None, request=JobRequest.from_fields(fields | more))
    lifecycle.submit(job)
    job.refresh_from_db()
    found = bedrock.get_model_invocation_job(connection.target, str(job.job_arn))
    assert (found.timeout_duration_in_hours, found.output_kms_key_id) == (48, more["output_kms_key_id"])
    assert (found.subnet_ids, found.security_group_ids) == (("subnet-1",), ("sg-1",))
    assert found.client_request_token == job.client_request_token
    assert bedrock.list_tags_for_resource(connection.target, str(job.job_arn)) == more["tags"]


def test_throttling_puts_it_back(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("throttle", "CreateModelInvocationJob")
    lifecycle.submit(job)
    assert (job.status, job.error_code) == (Status.QUEUED, "ThrottlingException")
    assert job.message
    assert job.hint
    assert job.due_at
    assert job.due_at > timezone.now() + timedelta(seconds=3)


def test_what_was_put_back_is_submitted_later(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("throttle", "CreateModelInvocationJob")
    lifecycle.submit(job)
    lifecycle.submit(job)
    job.refresh_from_db()
    assert (job.status, job.message, job.error_code, job.hint) == (Status.SUBMITTED, "", "", "")
    assert verbs(job)[1:4] == [Verb.CLAIMED, Verb.REQUEUED, Verb.CLAIMED]


def test_a_used_up_quota_puts_it_back(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.set(max_jobs_per_model=0)
    lifecycle.submit(job)
    assert (job.status, job.error_code) == (Status.QUEUED, "ServiceQuotaExceededException")


def test_an_endpoint_that_is_away_puts_it_back(nowhere: Connection) -> None:
    job = make_job(nowhere)
    lifecycle.submit(job)
    assert (job.status, job.error_code) == (Status.QUEUED, "EndpointUnreachable")
    assert "could not be reached" in job.hint


def test_a_name_in_use_fails_with_a_hint(job: BatchJob, connection: Connection, fields: dict[str, Any]) -> None:
    lifecycle.submit(job)
    second = lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**fields))
    lifecycle.submit(second)
    assert (second.status, second.error_code) == (Status.SUBMIT_FAILED, "ConflictException")
    assert "Choose a name" in second.hint
    assert second.due_at is None


def test_a_model_aws_does_not_batch_fails_with_its_message(connection: Connection, fields: dict[str, Any]) -> None:
    unknown = fields | {"model_id": "nobody.knows-me-v1:0"}
    job = lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**unknown))
    lifecycle.submit(job)
    assert (job.status, job.error_code) == (Status.SUBMIT_FAILED, "ValidationException")
    assert job.message


def test_a_request_boto3_refuses_fails_too(connection: Connection, fields: dict[str, Any]) -> None:
    asked = JobRequest.from_fields(fields | {"tags": [{"key": "no value"}]})
    job = lifecycle.create_job(connection=connection, actor=None, request=asked)
    lifecycle.submit(job)
    assert (job.status, job.error_code) == (Status.SUBMIT_FAILED, "InvalidRequest")


def test_lost_answers_do_not_make_a_second_job(job: BatchJob, local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("lost", "CreateModelInvocationJob")
    lifecycle.submit(job)
    assert (job.status, job.job_arn) == (Status.QUEUED, None)
    for _ in range(3):  # some clients of AWS try again by themselves, others take the answer for an empty one
        lifecycle.submit(job)
    job.refresh_from_db()
    assert named_on_aws(job) == [job.job_arn]


def test_a_worker_that_died_before_the_call_is_made_good(job: BatchJob) -> None:
    lease = claim(job)
    assert lease
    lifecycle.submit(job)
    assert job.status == Status.SUBMITTING
    die(lease)
    lifecycle.submit(job)
    job.refresh_from_db()
    assert named_on_aws(job) == [job.job_arn]


def test_a_worker_that_died_after_the_call_is_made_good(job: BatchJob) -> None:
    lease = claim(job)
    assert lease
    arn = bedrock.create_model_invocation_job(job.connection.target, job.request)
    die(lease)
    lifecycle.submit(job)
    job.refresh_from_db()
    assert (job.job_arn, named_on_aws(job)) == (arn, [arn])


def test_sync_may_be_faster_than_the_answer(job: BatchJob) -> None:
    assert claim(job)
    arn = bedrock.create_model_invocation_job(job.connection.target, job.request)
    sync(job.connection)
    lifecycle._accepted(job, arn)
    job.refresh_from_db()
    assert job.job_arn == arn
    assert Verb.ADOPTED in verbs(job)
    assert Verb.SUBMITTED not in verbs(job)


def test_cancelled_while_the_answer_was_lost_it_is_stopped(
    job: BatchJob, local_bedrock: LocalBedrock, nudges: Nudges
) -> None:
    local_bedrock.set(record_seconds=5)
    local_bedrock.fault("lost", "CreateModelInvocationJob")
    lifecycle.submit(job)
    lifecycle.cancel(job)
    sync(job.connection)
    clock.tick()
    assert ("stop_cancelled", job.pk) in nudges
    lifecycle.stop_cancelled(job)
    assert job.due_at is None
    assert follow(job).status == Status.STOPPED


def test_a_job_nobody_cancelled_is_not_stopped_by_the_clock(nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.IN_PROGRESS)
    lifecycle.stop_cancelled(job)
    job.refresh_from_db()
    assert (job.status, job.due_at) == (Status.IN_PROGRESS, None)


def test_stopping_in_the_queue_cancels(job: BatchJob, person: User) -> None:
    lifecycle.stop(job, person)
    assert (job.status, job.due_at) == (Status.CANCELLED, None)
    assert job.events.get(verb=Verb.CANCELLED).actor == person
    lifecycle.submit(job)
    assert named_on_aws(job) == []


def test_stopping_on_aws(job: BatchJob, person: User, local_bedrock: LocalBedrock) -> None:
    local_bedrock.set(record_seconds=5)
    lifecycle.submit(job)
    follow(job, until=frozenset({Status.IN_PROGRESS}))
    lifecycle.stop(job, person)
    assert job.status == Status.STOPPING
    assert job.events.get(verb=Verb.STOP_REQUESTED).actor == person
    assert follow(job).status == Status.STOPPED


def test_a_stop_whose_answer_was_lost_is_in_the_trail(job: BatchJob, person: User, local_bedrock: LocalBedrock) -> None:
    local_bedrock.set(record_seconds=5)
    lifecycle.submit(job)
    follow(job, until=frozenset({Status.IN_PROGRESS}))
    local_bedrock.fault("lost", "StopModelInvocationJob")
    with suppress(AwsError):
        lifecycle.stop(job, person)
    assert follow(job).status == Status.STOPPED
    assert job.events.get(verb=Verb.STOP_REQUESTED).actor == person


def test_stopping_what_has_ended_is_no_error(job: BatchJob) -> None:
    lifecycle.submit(job)
    follow(job)
    lifecycle.stop(job)
    assert job.status == Status.COMPLETED


def test_stopping_what_ended_unnoticed_tells_how_it_ended(job: BatchJob) -> None:
    lifecycle.submit(job)
    job.refresh_from_db()
    ends_on_aws(job)
    lifecycle.stop(job)
    assert job.status == Status.COMPLETED


def ends_on_aws(job: BatchJob) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if bedrock.get_model_invocation_job(job.connection.target, str(job.job_arn)).status in ENDED_ON_AWS:
            return
        time.sleep(0.05)
    raise AssertionError("The job did not end.")


def test_stopping_while_it_is_being_submitted_is_refused(job: BatchJob) -> None:
    claim(job)
    with pytest.raises(UserError, match="being submitted"):
        lifecycle.stop(job)


def test_cancelling_what_has_just_left_the_queue_is_refused(job: BatchJob) -> None:
    claim(BatchJob.objects.get(pk=job.pk))
    with pytest.raises(UserError, match="being submitted"):
        lifecycle.cancel(job)


def test_stopping_with_aws_away_says_so(nowhere: Connection) -> None:
    job = make_job(nowhere, status=Status.IN_PROGRESS, job_arn="arn:aws:bedrock:us-east-1:1:model-invocation-job/abc")
    with pytest.raises(AwsError) as caught:
        lifecycle.stop(job)
    assert caught.value.code == "EndpointUnreachable"
    assert BatchJob.objects.get(pk=job.pk).status == Status.IN_PROGRESS


def test_a_role_that_cannot_read_the_input_fails_with_awss_message(
    connection: Connection, fields: dict[str, Any]
) -> None:
    elsewhere = fields | {"input_s3_uri": fields["input_s3_uri"].replace("/in/", "/private/")}
    job = lifecycle.create_job(connection=connection, actor=None, request=JobRequest(**elsewhere))
    lifecycle.submit(job)
    job = follow(job)
    assert job.status == Status.FAILED
    assert job.message


def test_tags_are_changed_on_aws(job: BatchJob, person: User) -> None:
    edit_tags(job, person, [{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    lifecycle.submit(job)
    job.refresh_from_db()
    wanted = [{"key": "b", "value": "2"}, {"key": "c", "value": "3"}]
    edit_tags(job, person, wanted)
    found = bedrock.list_tags_for_resource(job.connection.target, str(job.job_arn))
    assert sorted(found, key=lambda tag: tag["key"]) == wanted == job.tags
    assert job.events.filter(verb=Verb.TAGS_CHANGED, actor=person).count() == 2


def test_tags_of_a_request_that_may_be_out_there_stay(nowhere: Connection) -> None:
    """With other tags the same token would make a second job."""
    job = make_job(nowhere)
    lifecycle.submit(job)
    with pytest.raises(UserError):
        edit_tags(job, None, [{"key": "a", "value": "1"}])


def test_too_many_tags_are_refused(job: BatchJob) -> None:
    with pytest.raises(UserError) as caught:
        edit_tags(job, None, [{"key": str(number), "value": ""} for number in range(51)])
    assert caught.value.field == "tags"


def test_a_rejected_job_can_be_sent_all_the_same(nowhere: Connection, person: User, nudges: Nudges) -> None:
    job = make_job(nowhere, status=Status.REJECTED)
    lifecycle.release(job, person)
    assert job.status == Status.QUEUED
    assert nudges == [("submit", job.pk)]
    with pytest.raises(UserError):
        lifecycle.release(job, person)


def test_a_clone_has_everything_but_the_name(nowhere: Connection) -> None:
    job = make_job(nowhere, tags=[{"key": "a", "value": "1"}], timeout_duration_in_hours=48)
    asked = replace(job.request, job_name="again", client_request_token="")
    again = lifecycle.create_job(connection=nowhere, actor=None, request=asked)
    assert (again.tags, again.timeout_duration_in_hours, again.model_id) == (job.tags, 48, job.model_id)
    assert again.client_request_token != job.client_request_token


def test_a_service_role_is_made_and_told_of(connection: Connection, fields: dict[str, Any], person: User) -> None:
    name = f"role-{uuid4().hex[:12]}"
    arn = create_service_role(connection=connection, actor=person, role_name=name, request=JobRequest(**fields))
    assert arn.endswith(f":role/service-role/{name}")
    assert connection.events.get(verb=Verb.ROLE_CREATED).data == {"role_arn": arn}


def test_the_account_is_asked_for_once(connection: Connection) -> None:
    connection.account_id = ""
    assert account_id(connection) == "123456789012"
    assert Connection.objects.get(pk=connection.pk).account_id == "123456789012"
