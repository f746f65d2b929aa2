"""The life cycle of a job: its states, their delays, and all the ways in which it can end."""

import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT, service_role_trust
from tests.localbedrock.stack import MODEL, Service, Workspace, converse_record, create, json_lines, policy


def test_a_job_goes_through_all_states_and_completes(service: Service, bedrock: Any, workspace: Workspace) -> None:
    delays = {"submitted_seconds": 0.5, "validating_seconds": 0.5, "scheduled_seconds": 0.5, "record_seconds": 0.5}
    with service.settings(**delays):
        arn = create(bedrock, workspace.request(workspace.put_records(3)))
        for status in ("Submitted", "Validating", "Scheduled", "InProgress", "Completed"):
            job = workspace.wait(bedrock, arn, until=[status])
            assert (job["totalRecordCount"] == 3) == (status not in ("Submitted", "Validating"))
    counts = [job[f"{kind}RecordCount"] for kind in ("total", "processed", "success", "error")]
    assert counts == [3, 3, 3, 0]
    assert job["submitTime"] < job["lastModifiedTime"] == job["endTime"]
    assert "message" not in job


def test_counts_grow_while_a_job_is_in_progress(service: Service, bedrock: Any, workspace: Workspace) -> None:
    with service.settings(record_seconds=0.4):
        arn = create(bedrock, workspace.request(workspace.put_records(30)))
        seen = set()
        while (job := bedrock.get_model_invocation_job(jobIdentifier=arn))["status"] != "Completed":
            seen.add(job["processedRecordCount"])
            time.sleep(0.05)
    assert len(seen) > 2
    assert job["processedRecordCount"] == 30


def test_the_manifest_has_the_counts_and_the_tokens(bedrock: Any, workspace: Workspace) -> None:
    job = workspace.run(
        bedrock,
        workspace.put(
            json_lines(
                [
                    converse_record(1, "two words"),
                    converse_record(2, "[[fail: 400 no]]"),
                    converse_record(3, "[[answer: one]]"),
                ]
            )
        ),
    )
    assert workspace.manifest(job) == {
        "totalRecordCount": 3,
        "processedRecordCount": 3,
        "successRecordCount": 2,
        "errorRecordCount": 1,
        "inputTokenCount": 4,
        "outputTokenCount": 3,
    }
    assert workspace.outputs(job)["manifest.json.out"].count(b"\n") == 1


def test_a_job_whose_records_all_fail_is_completed(bedrock: Any, workspace: Workspace) -> None:
    job = workspace.run(bedrock, workspace.put_records(5, lambda number: converse_record(number, "[[fail: 424 no]]")))
    assert (job["status"], job["errorRecordCount"], job["successRecordCount"]) == ("Completed", 5, 0)


# Stopping


def test_stopping_a_job_in_progress_keeps_what_is_answered(
    service: Service, bedrock: Any, workspace: Workspace
) -> None:
    slow = workspace.put(
        json_lines(converse_record(number, f"[[sleep: {60 if number >= 20 else 0}]] n") for number in range(40))
    )
    arn = create(bedrock, workspace.request(slow))
    while bedrock.get_model_invocation_job(jobIdentifier=arn)["processedRecordCount"] < 20:
        time.sleep(0.02)
    bedrock.stop_model_invocation_job(jobIdentifier=arn)
    job = workspace.wait(bedrock, arn, until=["Stopped"], seconds=5)
    assert (job["processedRecordCount"], job["totalRecordCount"]) == (20, 40)
    assert {answer["recordId"] for answer in workspace.answers(job)} == {f"record-{number}" for number in range(20)}
    assert workspace.manifest(job)["processedRecordCount"] == 20


@pytest.mark.parametrize("status", ["Submitted", "Validating", "Scheduled"])
def test_a_waiting_job_is_stopped(service: Service, bedrock: Any, workspace: Workspace, status: str) -> None:
    with service.settings(**{f"{status.lower()}_seconds": 3600}):
        arn = create(bedrock, workspace.request(workspace.put_records(2)))
        workspace.wait(bedrock, arn, until=[status])
        bedrock.stop_model_invocation_job(jobIdentifier=arn)
        job = workspace.wait(bedrock, arn, until=["Stopped"], seconds=5)
    assert job["processedRecordCount"] == 0
    assert "endTime" in job


def test_stopping_may_take_its_time(service: Service, bedrock: Any, workspace: Workspace) -> None:
    with service.settings(submitted_seconds=3600, stopping_seconds=0.5):
        arn = create(bedrock, workspace.request("s3://bucket/in/"))
        bedrock.stop_model_invocation_job(jobIdentifier=arn)
        assert bedrock.get_model_invocation_job(jobIdentifier=arn)["status"] == "Stopping"
        workspace.wait(bedrock, arn, until=["Stopped"], seconds=5)


def test_an_ended_job_cannot_be_stopped(bedrock: Any, workspace: Workspace) -> None:
    job = workspace.run(bedrock, workspace.put_records(1))
    with pytest.raises(ClientError, match=r"ValidationException.*State was: Completed"):
        bedrock.stop_model_invocation_job(jobIdentifier=job["jobArn"])


def test_a_job_that_does_not_exist_cannot_be_stopped(bedrock: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.stop_model_invocation_job(jobIdentifier="aaaaaaaaaaaa")


# Time


def test_a_job_that_waits_too_long_expires(service: Service, bedrock: Any, workspace: Workspace) -> None:
    with service.settings(hour_seconds=0.01, scheduled_seconds=3600):
        job = workspace.run(bedrock, workspace.put_records(1))
    assert job["status"] == "Expired"
    assert "endTime" in job
    assert "expired" in job["message"]


def test_a_job_that_runs_too_long_is_partially_completed(service: Service, bedrock: Any, workspace: Workspace) -> None:
    records = [converse_record(number, f"[[sleep: {0 if number < 4 else 60}]] n") for number in range(8)]
    with service.settings(hour_seconds=0.2):
        job = workspace.run(bedrock, workspace.put(json_lines(records)))
    assert (job["status"], job["processedRecordCount"]) == ("PartiallyCompleted", 4)
    assert len(workspace.answers(job)) == workspace.manifest(job)["successRecordCount"] == 4


# Refused while Validating


def failure(workspace: Workspace, bedrock: Any, input_uri: str, **members: Any) -> str:
    job = workspace.run(bedrock, input_uri, **members)
    assert (job["status"], job["totalRecordCount"]) == ("Failed", 0)
    return str(job["message"])


def test_a_role_that_may_not_read_the_input_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(1)
    key = uri.removeprefix(f"s3://{workspace.bucket}/")
    role = workspace.make_role(policy("some-other-bucket"))
    assert failure(workspace, bedrock, uri, roleArn=role) == (
        f"Could not validate GetObject permissions to access Amazon S3 bucket: {workspace.bucket} at key {key}"
    )


def test_a_role_that_may_list_but_not_read_fails_the_job_at_the_file(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(1)
    key = uri.removeprefix(f"s3://{workspace.bucket}/")
    role = workspace.make_role(policy(workspace.bucket, actions=["s3:ListBucket", "s3:PutObject"]))
    assert failure(workspace, bedrock, uri, roleArn=role) == (
        f"Could not validate GetObject permissions to access Amazon S3 bucket: {workspace.bucket} at key "
        f"{key}input.jsonl"
    )


def test_a_role_that_may_not_write_the_output_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    role = workspace.make_role(policy(workspace.bucket, actions=["s3:ListBucket", "s3:GetObject"]))
    message = failure(workspace, bedrock, workspace.put_records(1), roleArn=role)
    assert message.startswith("Could not validate PutObject permissions to access Amazon S3 bucket: ")


def test_a_role_bedrock_may_not_assume_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    role = workspace.make_role(policy(workspace.bucket), service_role_trust(account="999999999999"))
    message = failure(workspace, bedrock, workspace.put_records(1), roleArn=role)
    assert message.startswith(f"Could not assume the service role {role}.")


@pytest.mark.parametrize("place", ["s3://no-such-bucket-anywhere/in/", "s3://{bucket}/no-such-file.jsonl"])
def test_an_input_that_is_not_there_fails_the_job(bedrock: Any, workspace: Workspace, place: str) -> None:
    message = failure(workspace, bedrock, place.format(bucket=workspace.bucket))
    assert message.startswith("Could not validate GetObject permissions to access Amazon S3 bucket: ")


def test_an_output_bucket_that_is_not_there_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    output = {"s3OutputDataConfig": {"s3Uri": "s3://no-such-bucket-anywhere/out"}}
    message = failure(workspace, bedrock, workspace.put_records(1), outputDataConfig=output)
    assert message.startswith(
        "Could not validate PutObject permissions to access Amazon S3 bucket: no-such-bucket-anywhere at key out/"
    )


def test_a_folder_without_jsonl_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put(b"{}", "notes.txt")
    assert failure(workspace, bedrock, uri) == f"No .jsonl file was found in the input location {uri}"


def test_too_few_records_fail_the_job_in_awss_words(service: Service, bedrock: Any, workspace: Workspace) -> None:
    with service.settings(min_records_per_job=100):
        job = workspace.run(bedrock, workspace.put_records(99))
    assert job["message"] == (f"Batch job {job['jobArn']} contains less records (99) than the required minimum of: 100")


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_records_per_job": 4}, "contains more records (5) than the allowed maximum of: 4"),
        ({"max_records_per_file": 3}, "contains more records (5) than the allowed maximum of: 3"),
        ({"max_file_bytes": 10}, "more than the maximum of 10 bytes per file"),
        ({"max_record_bytes": 10}, "Line 1 is longer than 10 bytes"),
    ],
)
def test_a_limit_passed_fails_the_job(
    service: Service, bedrock: Any, workspace: Workspace, limit: dict[str, int], words: str
) -> None:
    with service.settings(**limit):
        assert words in failure(workspace, bedrock, workspace.put_records(5))


def test_nova_takes_twenty_times_as_much(service: Service, bedrock: Any, workspace: Workspace) -> None:
    uri = workspace.put_records(5)
    with service.settings(max_job_bytes=100):
        assert workspace.run(bedrock, uri, modelId=MODEL)["status"] == "Completed"
        message = failure(workspace, bedrock, uri, modelId="openai.gpt-oss-20b-1:0")
    assert "more than the maximum of 100 bytes per job" in message


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"text",
        b'{"recordId": "1"}',
        b'{"modelInput": "text"}',
        b'{"modelInput": {}',
        b'{"modelInput": {}} {}',
        b'{"modelInput": {"a": "\xff"}}',
        b"[" * 5000,
        b'{"modelInput": null}',
        b'{\n  "modelInput": {}\n}',
    ],
    ids=["list", "text", "no modelInput", "modelInput a text", "cut", "two", "not UTF-8", "deep", "null", "many lines"],
)
def test_a_line_that_is_no_record_fails_the_job(bedrock: Any, workspace: Workspace, line: bytes) -> None:
    message = failure(workspace, bedrock, workspace.put(json_lines([converse_record(1)]) + line))
    assert "is malformed. Line 2 is not a JSON object with a modelInput" in message


def test_a_bucket_of_another_owner_fails_the_job(bedrock: Any, workspace: Workspace) -> None:
    uri, other = workspace.put_records(1), {"s3BucketOwner": "999999999999"}
    message = failure(workspace, bedrock, "", inputDataConfig={"s3InputDataConfig": {"s3Uri": uri} | other})
    assert message.startswith(
        f"Could not validate GetObject permissions to access Amazon S3 bucket: {workspace.bucket}"
    )
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{workspace.bucket}/out/"} | other}
    message = failure(workspace, bedrock, uri, outputDataConfig=output)
    assert message.startswith(
        f"Could not validate PutObject permissions to access Amazon S3 bucket: {workspace.bucket}"
    )


@pytest.mark.parametrize("is_there", [True, False], ids=["not the role's to use", "not there"])
def test_a_key_that_cannot_be_used_fails_the_job(bedrock: Any, workspace: Workspace, is_there: bool) -> None:
    key_arn = workspace.make_key() if is_there else f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{uuid.uuid4()}"
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{workspace.bucket}/out/", "s3EncryptionKeyId": key_arn}}
    message = failure(workspace, bedrock, workspace.put_records(1), outputDataConfig=output)
    assert message.startswith(
        f"Could not validate PutObject permissions to access Amazon S3 bucket: {workspace.bucket}"
    )


# Refused while InProgress


def test_a_role_deleted_meanwhile_fails_the_job(service: Service, bedrock: Any, workspace: Workspace) -> None:
    role = workspace.make_role(policy(workspace.bucket))
    with service.fault(kind="model_down"):
        arn = create(bedrock, workspace.request(workspace.put_records(3), roleArn=role))
        workspace.wait(bedrock, arn, until=["InProgress"])
        workspace.delete_role(role)
    job = workspace.wait(bedrock, arn)
    assert job["status"] == "Failed"
    assert "AccessDenied" in job["message"]


def test_an_output_bucket_deleted_meanwhile_fails_the_job(service: Service, bedrock: Any, workspace: Workspace) -> None:
    workspace.s3.create_bucket(Bucket="soon-gone")
    role = workspace.make_role(policy(workspace.bucket, "soon-gone"))
    output = {"s3OutputDataConfig": {"s3Uri": "s3://soon-gone/out/"}}
    with service.settings(scheduled_seconds=1):
        arn = create(bedrock, workspace.request(workspace.put_records(3), roleArn=role, outputDataConfig=output))
        workspace.wait(bedrock, arn, until=["Scheduled"])
        for upload in workspace.s3.list_multipart_uploads(Bucket="soon-gone").get("Uploads", []):
            workspace.s3.abort_multipart_upload(Bucket="soon-gone", Key=upload["Key"], UploadId=upload["UploadId"])
        workspace.s3.delete_bucket(Bucket="soon-gone")
        job = workspace.wait(bedrock, arn)
    assert job["status"] == "Failed"
    assert "NoSuch" in job["message"]


def test_an_input_changed_after_validation_fails_the_job(service: Service, bedrock: Any, workspace: Workspace) -> None:
    with service.settings(scheduled_seconds=0.5):
        uri = workspace.put_records(3)
        arn = create(bedrock, workspace.request(uri))
        workspace.wait(bedrock, arn, until=["Scheduled"])
        workspace.put(json_lines([converse_record(7)]), folder=uri.split("/")[3])
        job = workspace.wait(bedrock, arn)
    assert (job["status"], job["processedRecordCount"]) == ("Failed", 0)
