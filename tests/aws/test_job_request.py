"""The description of a job's request: complete against botocore's service model, and what derives from it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from batchconsole.aws.bedrock import JobSummary
from batchconsole.aws.job_request import INPUT_FORMAT, JobRequest, cli_option, members

MODEL = ServiceModel(Loader().load_service_model("bedrock", "service-2"), "bedrock")
CREATE = MODEL.operation_model("CreateModelInvocationJob").input_shape
FULL = JobRequest(
    job_name="nightly",
    model_id="amazon.nova-micro-v1:0",
    model_invocation_type="Converse",
    role_arn="arn:aws:iam::123456789012:role/batch",
    client_request_token="a1b2",
    input_s3_uri="s3://prompts/in/",
    input_bucket_owner="111122223333",
    output_s3_uri="s3://answers/out/",
    output_kms_key_id="alias/answers",
    output_bucket_owner="444455556666",
    subnet_ids=("subnet-1", "subnet-2"),
    security_group_ids=("sg-1",),
    timeout_duration_in_hours=48,
    tags=({"key": "team", "value": ""},),
)


def paths(shape: Any, above: str = "") -> Iterator[str]:
    """Each member of a structure that is none itself, with the structures that lead to it."""
    for name, member in shape.members.items():
        if member.type_name == "structure":
            yield from paths(member, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def described(kind: type[JobRequest]) -> set[str]:
    return {member.path for member in members(kind).values()} | {INPUT_FORMAT[0].path}


def test_each_member_of_a_create_request_has_one_field() -> None:
    assert sorted(described(JobRequest)) == sorted(paths(CREATE))
    assert len(members(JobRequest)) + 1 == len(described(JobRequest))


@pytest.mark.parametrize("operation", ["GetModelInvocationJob", "ListModelInvocationJobs"])
def test_each_member_of_an_answer_has_a_field(operation: str) -> None:
    shape: Any = MODEL.operation_model(operation).output_shape
    told = shape if operation.startswith("Get") else shape.members["invocationJobSummaries"].member
    assert described(JobSummary) - {"tags"} == set(paths(told))


def test_a_full_request_is_one_that_boto3_takes() -> None:
    validate_parameters(FULL.to_api(), CREATE)
    assert set(filled(FULL.to_api())) == set(paths(CREATE))


def filled(request: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in request.items():
        if isinstance(value, dict):
            yield from filled(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def test_an_answer_gives_back_what_was_asked_for() -> None:
    told = FULL.to_api() | {"jobArn": "arn:1", "submitTime": "now", "status": "Completed", "errorRecordCount": 0}
    summary = JobSummary.from_api(told)
    assert JobRequest.from_fields(summary.as_fields()) == FULL
    assert (summary.job_arn, summary.status, summary.error_record_count) == ("arn:1", "Completed", 0)


def test_empty_members_are_not_mentioned() -> None:
    asked = JobRequest.from_fields({"job_name": "a", "vpc": 1, "subnet_ids": [], "timeout_duration_in_hours": None})
    assert asked.to_api() == {
        "jobName": "a",
        "modelInvocationType": "InvokeModel",
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL"}},
    }


def test_fields_lead_back_to_the_request() -> None:
    assert JobRequest.from_fields(FULL.as_fields()) == FULL
    assert FULL.as_fields()["subnet_ids"] == ["subnet-1", "subnet-2"]


def test_an_input_outside_s3_has_no_uri() -> None:
    told = FULL.to_api() | {"jobArn": "arn:1", "submitTime": "now", "inputDataConfig": {"SDK_UNKNOWN_MEMBER": {}}}
    assert JobSummary.from_api(told).input_s3_uri == ""


def test_options_are_the_aws_cli_s() -> None:
    assert [cli_option(name) for name in ("jobName", "vpcConfig", "timeoutDurationInHours")] == [
        "--job-name",
        "--vpc-config",
        "--timeout-duration-in-hours",
    ]
