"""The gateway for AWS's clients, spoken to by boto3 itself."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from batchconsole.aws import s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs import lifecycle, sync
from batchconsole.jobs.models import (
    ApiKey,
    BatchJob,
    Budget,
    Connection,
    Event,
    ModelLimit,
    OutputCopy,
    Right,
    Status,
    Verb,
)
from batchconsole.jobs.outputs.output_copies import copy_output
from batchconsole.jobs.outputs.results import collect_results
from batchconsole.jobs.programs.gateway_descriptions import ID_PREFIX
from tests.api.conftest import aws_client, carry, key_of, pair_of
from tests.conftest import ACCOUNT, REGION
from tests.factories import MODEL, grant, make_job
from tests.jobs.conftest import LocalBedrock, Sample, arn


@pytest.fixture
def asked(fields: dict[str, Any]) -> dict[str, Any]:
    """What a script sends."""
    return {
        "jobName": fields["job_name"],
        "modelId": fields["model_id"],
        "roleArn": fields["role_arn"],
        "modelInvocationType": "Converse",
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": fields["input_s3_uri"]}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": fields["output_s3_uri"]}},
    }


@pytest.fixture
def full(connection: Connection) -> None:
    """No job of the model may be submitted."""
    ModelLimit.objects.create(connection=connection, model_id=MODEL, jobs_at_once=0)


def refused(call: Any, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**params)
    found: dict[str, Any] = error.value.response
    return found


def code(call: Any, **params: Any) -> str:
    return str(refused(call, **params)["Error"]["Code"])


def lose_answer(request: AWSPreparedRequest, **_: Any) -> None:
    """Let the first attempt take effect, and its answer not arrive."""
    if request.headers["amz-sdk-request"].startswith(b"attempt=1"):
        carry(request)
        raise ConnectionClosedError(endpoint_url=request.url)


def finish(job: BatchJob) -> None:
    """Have *job* submitted, run, followed and read, as workers would."""
    lifecycle.submit(job)
    for _ in range(200):
        job.refresh_from_db()
        if job.is_ended:
            break
        Connection.objects.sync_soon(job.connection_id)
        sync.sync(Connection.objects.get(pk=job.connection_id))
    collect_results(job)


def test_a_free_place_is_taken_before_the_answer(bedrock: Any, asked: dict[str, Any], boto: Any) -> None:
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    assert boto("bedrock").get_model_invocation_job(jobIdentifier=job_arn)["jobName"] == asked["jobName"]
    assert BatchJob.objects.get().job_arn == job_arn


def test_create_asks_little_more_than_the_submission_itself(
    bedrock: Any, asked: dict[str, Any], connection: Connection, person: User, fields: dict[str, Any]
) -> None:
    bedrock.create_model_invocation_job(**asked)  # notes the use of the key
    with CaptureQueriesContext(database) as by_gateway:
        bedrock.create_model_invocation_job(**asked | {"jobName": "second"})
    request = JobRequest.from_fields(fields | {"job_name": "third"})
    with CaptureQueriesContext(database) as alone:
        person.refresh_from_db()
        lifecycle.submit(lifecycle.create_job(connection=connection, actor=person, request=request, is_nudged=False))
    # The connection, the key and its connections; the jobs of the name, and those that wait in the queue.
    assert len(by_gateway) <= len(alone) + 5


def test_get_tells_what_was_asked_for(bedrock: Any, asked: dict[str, Any]) -> None:
    job_arn = bedrock.create_model_invocation_job(**asked, clientRequestToken="token-1")["jobArn"]
    found = bedrock.get_model_invocation_job(jobIdentifier=job_arn)
    assert found["jobArn"] == job_arn
    assert found["modelId"] == f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
    assert found["clientRequestToken"] == "token-1"
    assert found["inputDataConfig"]["s3InputDataConfig"]["s3BucketOwner"] == ACCOUNT
    assert found["timeoutDurationInHours"] == 24


@pytest.mark.usefixtures("full")
def test_a_job_that_waits_is_submitted_in_aws_words(bedrock: Any, asked: dict[str, Any]) -> None:
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    assert job_arn.startswith(arn(0).removesuffix("000000000000") + ID_PREFIX)
    for identifier in (job_arn, job_arn.rpartition("/")[2]):
        found = bedrock.get_model_invocation_job(jobIdentifier=identifier)
        assert (found["status"], found["jobArn"]) == ("Submitted", job_arn)


@pytest.mark.usefixtures("full")
def test_its_arn_is_good_when_aws_has_given_another(bedrock: Any, asked: dict[str, Any], sample_input: Sample) -> None:
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    ModelLimit.objects.all().delete()
    job = BatchJob.objects.get()
    finish(job)
    assert bedrock.get_model_invocation_job(jobIdentifier=job_arn)["status"] == "InProgress"  # until it is copied
    ended = {"statusEquals": "Completed", "nameContains": asked["jobName"]}
    assert bedrock.list_model_invocation_jobs(**ended)["invocationJobSummaries"] == []
    copy_output(OutputCopy.objects.get())
    found = bedrock.get_model_invocation_job(jobIdentifier=job_arn)
    assert (found["status"], found["jobArn"], found["successRecordCount"]) == ("Completed", job_arn, 100)
    assert bedrock.get_model_invocation_job(jobIdentifier=job.job_arn)["jobArn"] == job.job_arn
    (listed,) = bedrock.list_model_invocation_jobs(**ended)["invocationJobSummaries"]
    assert listed["jobArn"] == job_arn
    ours, theirs = (
        {
            item.key.rpartition("/")[2]: item.size
            for item in s3.iter_objects(job.connection.target, sample_input.bucket, f"out/{job_id}/")
        }
        for job_id in (job.gateway_id, job.aws_id)
    )
    assert ours == theirs
    assert set(ours) == {"converse.jsonl.out", "manifest.json.out"}
    assert job.events.filter(verb="output_copied").get().data["objects"] == 2


@pytest.mark.usefixtures("full")
def test_a_repeated_call_gets_the_first_answer(bedrock: Any, asked: dict[str, Any]) -> None:
    answers = [bedrock.create_model_invocation_job(**asked, clientRequestToken="same")["jobArn"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert BatchJob.objects.count() == 1


def test_a_constant_token_makes_a_job_for_each_request(bedrock: Any, asked: dict[str, Any]) -> None:
    first, second = (
        bedrock.create_model_invocation_job(**asked | {"jobName": name}, clientRequestToken="constant")["jobArn"]
        for name in (f"{asked['jobName']}-1", f"{asked['jobName']}-2")
    )
    assert first != second


@pytest.mark.usefixtures("full")
def test_a_name_is_used_once(bedrock: Any, asked: dict[str, Any]) -> None:
    bedrock.create_model_invocation_job(**asked)
    assert code(bedrock.create_model_invocation_job, **asked) == "ConflictException"


def test_what_aws_refuses_at_once_is_told_at_once(
    bedrock: Any, asked: dict[str, Any], local_bedrock: LocalBedrock
) -> None:
    made = bedrock.create_model_invocation_job(**asked)
    BatchJob.objects.filter(job_arn=made["jobArn"]).update(job_name="renamed")
    assert code(bedrock.create_model_invocation_job, **asked, clientRequestToken="t") == "ConflictException"
    assert BatchJob.objects.filter(status=Status.SUBMIT_FAILED).count() == 1


def test_with_aws_away_the_job_waits(bedrock: Any, asked: dict[str, Any], local_bedrock: LocalBedrock) -> None:
    local_bedrock.fault("throttle", "CreateModelInvocationJob")
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    assert bedrock.get_model_invocation_job(jobIdentifier=job_arn)["status"] == "Submitted"


BAD: dict[str, dict[str, Any]] = {
    "name": {"jobName": "under_score"},
    "long name": {"jobName": "-" * 64 + "_"},
    "bucket": {"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "http://bucket/in"}}},
    "role": {"roleArn": "batch"},
    "type": {"modelInvocationType": "Chat"},
    "timeout": {"timeoutDurationInHours": 169},
    "tag twice": {"tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
    "tag of AWS": {"tags": [{"key": "aws:a", "value": "1"}]},
    "tags": {"tags": [{"key": f"k{number}", "value": ""} for number in range(51)]},
    "model": {"modelId": "stability.sd3-5-large-v1:0"},
    "region": {"modelId": f"arn:aws:bedrock:eu-west-3::foundation-model/{MODEL}"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_bad_request_is_refused_as_by_the_local_bedrock(
    bedrock: Any, asked: dict[str, Any], boto: Any, change: dict[str, Any]
) -> None:
    ours = refused(bedrock.create_model_invocation_job, **asked | change)
    theirs = refused(boto("bedrock").create_model_invocation_job, **asked | change)
    assert ours["Error"]["Code"] == theirs["Error"]["Code"] == "ValidationException"
    if "validation error" in theirs["Error"]["Message"]:
        assert ours["Error"]["Message"] == theirs["Error"]["Message"]
    assert ours["ResponseMetadata"]["RequestId"]


def test_a_role_of_another_account_is_refused(bedrock: Any, asked: dict[str, Any]) -> None:
    changed = asked | {"roleArn": "arn:aws:iam::999999999999:role/batch"}
    assert code(bedrock.create_model_invocation_job, **changed) == "AccessDeniedException"


@pytest.mark.usefixtures("full")
def test_stop_takes_a_waiting_job_out_of_the_queue(bedrock: Any, asked: dict[str, Any]) -> None:
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    bedrock.stop_model_invocation_job(jobIdentifier=job_arn)
    found = bedrock.get_model_invocation_job(jobIdentifier=job_arn)
    assert found["status"] == "Stopped"
    assert found["endTime"]
    message = refused(bedrock.stop_model_invocation_job, jobIdentifier=job_arn)["Error"]["Message"]
    assert message.endswith("State was: Stopped")


@pytest.mark.usefixtures("full")
def test_a_call_whose_answer_got_lost_is_tried_again_and_gets_it(
    connection: Connection, key: ApiKey, asked: dict[str, Any]
) -> None:
    bedrock = aws_client("bedrock", connection.name, config=Config(), **pair_of(key))
    bedrock.meta.events.register_first("before-send.bedrock", lose_answer)
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    bedrock.stop_model_invocation_job(jobIdentifier=job_arn)
    assert BatchJob.objects.get().status == Status.CANCELLED


@pytest.mark.usefixtures("full")
def test_tags_are_added_changed_and_removed(bedrock: Any, asked: dict[str, Any]) -> None:
    made = bedrock.create_model_invocation_job(
        **asked, tags=[{"key": "team", "value": "nlp"}, {"key": "a", "value": ""}]
    )
    bedrock.tag_resource(resourceARN=made["jobArn"], tags=[{"key": "team", "value": "ocr"}, {"key": "b", "value": "1"}])
    bedrock.untag_resource(resourceARN=made["jobArn"], tagKeys=["a", "none"])
    found = bedrock.list_tags_for_resource(resourceARN=made["jobArn"])["tags"]
    assert {tag["key"]: tag["value"] for tag in found} == {"team": "ocr", "b": "1"}
    many = [{"key": f"k{number}", "value": ""} for number in range(49)]
    assert code(bedrock.tag_resource, resourceARN=made["jobArn"], tags=many) == "TooManyTagsException"


@pytest.mark.usefixtures("full")
def test_a_client_does_not_take_a_job_out_of_the_budget_of_its_tag(bedrock: Any, asked: dict[str, Any]) -> None:
    Budget.objects.create(usd_per_month=100, tag_key="team", tag_value="nlp")
    arn = bedrock.create_model_invocation_job(**asked, tags=[{"key": "team", "value": "nlp"}])["jobArn"]
    assert code(bedrock.untag_resource, resourceARN=arn, tagKeys=["team"]) == "AccessDeniedException"
    other = [{"key": "team", "value": "ocr"}]
    assert code(bedrock.tag_resource, resourceARN=arn, tags=other) == "AccessDeniedException"


def test_a_job_created_elsewhere_is_found_before_the_next_sync(bedrock: Any, asked: dict[str, Any], boto: Any) -> None:
    job_arn = boto("bedrock").create_model_invocation_job(**asked)["jobArn"]
    assert bedrock.get_model_invocation_job(jobIdentifier=job_arn)["jobName"] == asked["jobName"]
    assert BatchJob.objects.get().origin == BatchJob.Origin.IMPORTED


def test_a_job_created_at_aws_itself_is_given_back_for_its_token(
    bedrock: Any, asked: dict[str, Any], boto: Any
) -> None:
    job_arn = boto("bedrock").create_model_invocation_job(**asked, clientRequestToken="there")["jobArn"]
    bedrock.get_model_invocation_job(jobIdentifier=job_arn)
    assert bedrock.create_model_invocation_job(**asked, clientRequestToken="there")["jobArn"] == job_arn


@pytest.mark.parametrize("identifier", ["abcdefghijk9", arn(7), arn(7).replace(ACCOUNT, "1" * 12), "0000zzzzzzzz"])
def test_an_unknown_job_is_not_found(bedrock: Any, identifier: str) -> None:
    assert code(bedrock.get_model_invocation_job, jobIdentifier=identifier) == "ResourceNotFoundException"


@pytest.fixture
def listed(connection: Connection) -> list[BatchJob]:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    statuses = ["Completed", "Queued", "Rejected", "Cancelled", "Checking", "InProgress", "Failed"]
    return [
        make_job(connection, job_name=f"Job-{status}", status=status, created_at=begun + timedelta(days=number))
        for number, status in enumerate(statuses)
    ]


def names(answer: dict[str, Any]) -> list[str]:
    return [job["jobName"].removeprefix("Job-") for job in answer["invocationJobSummaries"]]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["Failed", "InProgress", "Checking", "Cancelled", "Rejected", "Queued", "Completed"]),
        ({"statusEquals": "Submitted"}, ["Checking", "Queued"]),
        ({"statusEquals": "Failed"}, ["Failed", "Rejected"]),
        ({"statusEquals": "Stopped"}, ["Cancelled"]),
        ({"statusEquals": "InProgress"}, ["InProgress"]),
        ({"nameContains": "ed"}, ["Failed", "Cancelled", "Rejected", "Queued", "Completed"][:5]),
        ({"nameContains": "job"}, []),
        ({"submitTimeAfter": datetime(2026, 1, 5, 12, tzinfo=UTC)}, ["Failed", "InProgress"]),
        ({"submitTimeBefore": datetime(2026, 1, 2, tzinfo=UTC)}, ["Completed"]),
        ({"sortBy": "CreationTime", "sortOrder": "Ascending", "maxResults": 2}, ["Completed", "Queued"]),
    ],
)
@pytest.mark.usefixtures("listed")
def test_list_has_the_filters_of_aws(bedrock: Any, params: dict[str, Any], expected: list[str]) -> None:
    assert names(bedrock.list_model_invocation_jobs(**params)) == expected


def test_list_tells_of_a_job_what_get_tells(bedrock: Any, connection: Connection) -> None:
    failed = {"status": "Failed", "message": "No such input.", "error_record_count": 3, "subnet_ids": ["subnet-1"]}
    make_job(connection, job_arn=arn(1), security_group_ids=["sg-1"], end_time=datetime.now(UTC), **failed)
    make_job(connection, status="Rejected", message="Line 7 is wrong.", hint="Correct it.")
    listed = bedrock.list_model_invocation_jobs()["invocationJobSummaries"]
    asked = [bedrock.get_model_invocation_job(jobIdentifier=job["jobArn"]) for job in listed]
    assert [job.pop("ResponseMetadata") and job for job in asked] == listed
    assert [job["message"] for job in listed] == ["Line 7 is wrong. Correct it.", "No such input."]
    assert all("endTime" in job for job in listed)


@pytest.mark.parametrize("microsecond", [0, 999_999])
def test_times_are_cut_to_milliseconds(bedrock: Any, connection: Connection, microsecond: int) -> None:
    at = datetime(2026, 1, 31, 23, 59, 59, microsecond, tzinfo=UTC)
    make_job(connection, status="Completed", job_arn=arn(1), created_at=at, end_time=at, job_expiration_time=at)
    (job,) = bedrock.list_model_invocation_jobs()["invocationJobSummaries"]
    shown = at.replace(microsecond=microsecond // 1000 * 1000)
    assert (job["submitTime"], job["endTime"], job["jobExpirationTime"]) == (shown, shown, shown)


@pytest.mark.usefixtures("listed")
def test_a_list_asks_as_much_for_many_jobs_as_for_one(bedrock: Any) -> None:
    bedrock.list_model_invocation_jobs()  # notes the use of the key
    with CaptureQueriesContext(database) as queries:
        bedrock.list_model_invocation_jobs(maxResults=1000)
    assert len(queries) <= 5  # the connection, the key, its connections, its owner's rights, the jobs


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.usefixtures("listed")
def test_pages_hold_every_job_once(bedrock: Any, order: str) -> None:
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(
        sortOrder=order, PaginationConfig={"PageSize": 2}
    )
    found = [name for page in pages for name in names(page)]
    assert len(found) == len(set(found)) == 7


@pytest.mark.usefixtures("listed")
def test_a_token_is_good_for_the_same_question_only(bedrock: Any) -> None:
    token = bedrock.list_model_invocation_jobs(maxResults=1)["nextToken"]
    other = {"nextToken": token, "statusEquals": "Failed"}
    assert code(bedrock.list_model_invocation_jobs, **other) == "ValidationException"
    assert code(bedrock.list_model_invocation_jobs, nextToken=token[:-2] + "zz") == "ValidationException"


def test_a_job_that_waits_is_found_by_the_arn_of_the_list(bedrock: Any, listed: list[BatchJob]) -> None:
    (first, *_) = bedrock.list_model_invocation_jobs(nameContains="Queued")["invocationJobSummaries"]
    assert bedrock.get_model_invocation_job(jobIdentifier=first["jobArn"])["jobName"] == "Job-Queued"


def test_a_bearer_key_signs_in(connection: Connection, person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    grant(person, "Viewer")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key_of(person)[1])
    assert aws_client("bedrock", connection.name).list_model_invocation_jobs()["invocationJobSummaries"] == []
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-nonsense")
    client = aws_client("bedrock", connection.name)
    assert code(client.list_model_invocation_jobs) == "AccessDeniedException"


def test_a_key_has_its_own_rights_only(connection: Connection, person: User, asked: dict[str, Any]) -> None:
    grant(person, "Administrator")
    viewer = aws_client("bedrock", connection.name, **pair_of(key_of(person, Right.VIEW)[0]))
    viewer.list_model_invocation_jobs()
    said = refused(viewer.create_model_invocation_job, **asked)["Error"]
    assert said["Code"] == "AccessDeniedException"
    assert "“submit”" in said["Message"]


def test_a_key_is_good_on_its_connections_only(connection: Connection, person: User) -> None:
    grant(person, "Administrator")
    other = Connection.objects.create(name="other", title="Other", account_id=ACCOUNT)
    pair = pair_of(key_of(person, connections=[other])[0])
    aws_client("bedrock", "other", **pair).list_model_invocation_jobs()
    for name in (connection.name, "unknown"):
        client = aws_client("bedrock", name, **pair)
        assert code(client.list_model_invocation_jobs) == "AccessDeniedException"


def test_jobs_of_others_take_the_right_to_operate(bedrock: Any, connection: Connection) -> None:
    job = make_job(connection, gateway_id="0000abcdefgh")
    assert code(bedrock.stop_model_invocation_job, jobIdentifier=job.gateway_id) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"aws_secret_access_key": "x" * 40}, "InvalidSignatureException"),
        ({"aws_access_key_id": "BCAKAAAAAAAAAAAAAAAA"}, "UnrecognizedClientException"),
        ({"aws_session_token": "token"}, "UnrecognizedClientException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_who_signs_otherwise_is_refused(
    connection: Connection, key: ApiKey, change: dict[str, str], expected: str
) -> None:
    client = aws_client("bedrock", connection.name, **pair_of(key) | change)
    assert code(client.list_model_invocation_jobs) == expected


def test_a_key_has_so_many_calls_a_minute(bedrock: Any, settings: Settings) -> None:
    settings.GATEWAY_CALLS_PER_MINUTE = 2
    bedrock.list_model_invocation_jobs()
    bedrock.list_model_invocation_jobs()
    response = refused(bedrock.list_model_invocation_jobs)
    assert response["Error"]["Code"] == "ThrottlingException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert 0 < int(response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) <= 61


def test_models_and_the_runtime_are_passed_on(bedrock: Any, connection: Connection, key: ApiKey, person: User) -> None:
    grant(person, "Operator")
    assert bedrock.list_foundation_models()["modelSummaries"]
    runtime = aws_client("bedrock-runtime", connection.name, **pair_of(key))
    answer = runtime.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "Hello"}]}])
    assert answer["output"]["message"]["content"]
    assert code(runtime.converse, modelId=MODEL, messages=[]) == "ValidationException"
    called = Event.objects.filter(verb=Verb.PASSED_ON, api_key=key.key_id).order_by("id")
    assert [event.data["operation"] for event in called] == ["ListFoundationModels", "Converse", "Converse"]


def test_other_calls_are_refused_by_name(bedrock: Any) -> None:
    said = refused(bedrock.list_guardrails)["Error"]
    assert said["Code"] == "AccessDeniedException"
    assert "ListGuardrails" in said["Message"]


@pytest.mark.parametrize("path", ["/aws/local/", "/aws/local/nothing", "/aws/nowhere/model-invocation-jobs"])
def test_nobody_is_led_to_the_sign_in_page(connection: Connection, path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path, b"{", content_type="application/json")
    if path != "/aws/local/":
        assert (answer.status_code, answer["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")
    assert "login" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"jobName": 1}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused(connection: Connection, person: User, body: bytes) -> None:
    grant(person, "Submitter")
    answer = Client().post(
        "/aws/local/model-invocation-job",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key_of(person)[1]}"},
    )
    assert (answer.status_code, answer["x-amzn-ErrorType"]) == (400, "SerializationException")
    assert json.loads(answer.content)["message"]


@pytest.mark.usefixtures("full")
def test_a_refused_check_is_a_failed_job_with_its_message(
    bedrock: Any, asked: dict[str, Any], connection: Connection
) -> None:
    connection.checks_programs = True
    connection.save()
    job_arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
    job = BatchJob.objects.get()
    assert job.status == Status.CHECKING
    job.transition(Status.REJECTED, verb="rejected", message="2 errors in 100 records", hint="Line 3 is no JSON.")
    found = bedrock.get_model_invocation_job(jobIdentifier=job_arn)
    assert (found["status"], found["message"]) == ("Failed", "2 errors in 100 records Line 3 is no JSON.")


def test_a_copy_that_s3_refuses_says_where_the_output_is(bedrock: Any, connection: Connection) -> None:
    job = make_job(
        connection,
        status="InProgress",
        job_arn=arn(3),
        gateway_id="0000abcdefgh",
        output_s3_uri="s3://no-such-bucket-x/out/",
    )
    job.transition(Status.COMPLETED, verb="reported")
    copy = OutputCopy.objects.get()
    for _ in range(5):
        OutputCopy.objects.update(due_at=job.created_at)
        copy_output(copy)
    found = bedrock.get_model_invocation_job(jobIdentifier=job.gateway_id)
    assert found["status"] == "Completed"
    assert "s3://no-such-bucket-x/out/" in found["message"]
