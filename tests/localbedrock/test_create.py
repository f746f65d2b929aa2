"""CreateModelInvocationJob: what it accepts and what it refuses, with which messages."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ACCOUNT
from tests.localbedrock.stack import MODEL, Service, Workspace, create, role_of_another_account


@pytest.fixture(scope="module")
def input_uri(workspace: Workspace) -> str:
    return workspace.put_records(1)


@pytest.fixture(scope="module", autouse=True)
def jobs_stay_submitted(service: Service) -> Iterator[None]:
    with service.settings(submitted_seconds=3600):
        yield


def refusal(bedrock: Any, request: dict[str, Any]) -> tuple[str, str]:
    """Return the code and message of the error that *request* causes."""
    with pytest.raises(ClientError) as caught:
        bedrock.create_model_invocation_job(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_it_works(bedrock: Any, workspace: Workspace, input_uri: str) -> None:
    answer = bedrock.create_model_invocation_job(**workspace.request(input_uri))
    assert re.fullmatch(rf"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/[a-z0-9]{{12}}", answer["jobArn"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]


NAME_PATTERN = r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}"


@pytest.mark.parametrize("name", ["has_underscore", "has space", "-dash-first", "ä"])
def test_a_job_name_off_the_pattern_is_refused_in_awss_words(bedrock: Any, workspace: Workspace, name: str) -> None:
    code, message = refusal(bedrock, workspace.request("s3://bucket/in/", jobName=name))
    assert code == "ValidationException"
    assert message == (
        f"1 validation error detected: Value '{name}' at 'jobName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    )


def test_sixty_hyphens_are_refused_at_once(bedrock: Any, workspace: Workspace) -> None:
    code, _ = refusal(bedrock, workspace.request("s3://bucket/in/", jobName=f"a{'-' * 60}_"))
    assert code == "ValidationException"


def test_every_violation_is_named(bedrock: Any, workspace: Workspace) -> None:
    _, message = refusal(bedrock, workspace.request("s3://bucket/in put/", jobName="a" * 64))
    assert message.startswith("2 validation errors detected: ")
    assert "at 'jobName' failed to satisfy constraint: Member must have length less than or equal to 63; " in message
    assert (
        "Value 's3://bucket/in put/' at 'inputDataConfig.s3InputDataConfig.s3Uri' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: s3://"
    ) in message


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"modelInvocationType": "Stream"},
            "Value 'Stream' at 'modelInvocationType' failed to satisfy constraint: Member must satisfy enum value set: "
            "[Converse, InvokeModel]",
        ),
        (
            {"timeoutDurationInHours": 169},
            "Value '169' at 'timeoutDurationInHours' failed to satisfy constraint: Member must have value less than "
            "or equal to 168",
        ),
        (
            {"roleArn": "somebody"},
            "Value 'somebody' at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: ",
        ),
        (
            {"tags": [{"key": "a", "value": "b"}, {"key": "c", "value": "{d}"}]},
            "Value '{d}' at 'tags.2.member.value' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: ",
        ),
        (
            {"vpcConfig": {"subnetIds": ["s"] * 17, "securityGroupIds": ["sg-1"]}},
            "at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must have length less than or equal to 16",
        ),
    ],
    ids=["enum", "range", "role", "tag", "list"],
)
def test_each_kind_of_constraint_has_its_words(
    bedrock: Any, workspace: Workspace, members: dict[str, Any], expected: str
) -> None:
    code, message = refusal(bedrock, workspace.request("s3://bucket/in/", **members))
    assert code == "ValidationException"
    assert expected in message


def test_a_role_of_another_account_is_refused(bedrock: Any, workspace: Workspace, input_uri: str) -> None:
    code, message = refusal(bedrock, workspace.request(input_uri, roleArn=role_of_another_account()))
    assert (code, message) == ("AccessDeniedException", "Cross-account pass role is not allowed.")


@pytest.mark.parametrize("prefix", ["", "arn:aws:bedrock:us-east-1::foundation-model/"])
def test_a_model_that_only_a_profile_reaches_is_refused_by_its_own_id(
    bedrock: Any, workspace: Workspace, input_uri: str, prefix: str
) -> None:
    model_id = f"{prefix}anthropic.claude-sonnet-4-6"
    code, message = refusal(bedrock, workspace.request(input_uri, modelId=model_id))
    assert (code, model_id in message, "inference profile" in message) == ("ValidationException", True, True)


@pytest.mark.parametrize(
    "model_id",
    [
        "example.unknown-v1:0",
        "anthropic.claude-opus-4-8",
        "arn:aws:bedrock:us-east-1::foundation-model/example.unknown",
        f"arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}",
        f"arn:aws:bedrock:us-east-1:999999999999:inference-profile/us.{MODEL}",
        f"arn:aws:bedrock:us-east-1:999999999999:custom-model/{MODEL}/abcdefghijkl",
        f"eu.{MODEL}",
        f"jp.{MODEL}",
    ],
    ids=[
        "unknown",
        "without batch",
        "ARN of an unknown one",
        "of another region",
        "profile of another account",
        "custom model of another account",
        "profile of another geography",
        "profile that does not exist",
    ],
)
def test_a_model_without_batch_inference_is_refused(
    bedrock: Any, workspace: Workspace, input_uri: str, model_id: str
) -> None:
    code, message = refusal(bedrock, workspace.request(input_uri, modelId=model_id))
    assert (code, message) == ("ValidationException", "Batch inference is not supported for the requested model.")


@pytest.mark.parametrize("model_id", ["amazon.titan-embed-text-v2:0", "amazon.titan-embed-image-v1"])
def test_a_model_of_embeddings_takes_no_converse_job(
    bedrock: Any, workspace: Workspace, input_uri: str, model_id: str
) -> None:
    request = workspace.request(input_uri, modelId=model_id, modelInvocationType="Converse")
    assert refusal(bedrock, request)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (MODEL, f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"),
        (
            f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
            f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
        ),
        (f"us.{MODEL}", f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{MODEL}"),
        (
            f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{MODEL}",
            f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{MODEL}",
        ),
    ],
    ids=["id", "ARN", "profile", "profile ARN"],
)
def test_a_model_is_shown_by_its_arn(
    bedrock: Any, workspace: Workspace, input_uri: str, given: str, shown: str
) -> None:
    arn = create(bedrock, workspace.request(input_uri, modelId=given))
    assert bedrock.get_model_invocation_job(jobIdentifier=arn)["modelId"] == shown


def test_a_name_in_use_is_a_conflict(bedrock: Any, workspace: Workspace, input_uri: str) -> None:
    request = workspace.request(input_uri)
    create(bedrock, request)
    assert refusal(bedrock, request) == ("ConflictException", "The provided job name is currently in use.")


def test_the_same_token_and_request_give_the_same_job(bedrock: Any, workspace: Workspace, input_uri: str) -> None:
    request = workspace.request(input_uri, clientRequestToken=uuid.uuid4().hex)
    assert create(bedrock, request) == create(bedrock, request)


def test_the_same_token_with_another_request_makes_a_new_job(
    bedrock: Any, workspace: Workspace, input_uri: str
) -> None:
    token = {"clientRequestToken": uuid.uuid4().hex}
    assert create(bedrock, workspace.request(input_uri, **token)) != create(
        bedrock, workspace.request(input_uri, **token)
    )


def test_jobs_above_the_limit_of_the_model_are_refused(
    service: Service, bedrock: Any, workspace: Workspace, input_uri: str
) -> None:
    request = {"modelId": "amazon.nova-micro-v1:0"}
    with service.settings(max_jobs_per_model=2):
        create(bedrock, workspace.request(input_uri, **request))
        create(bedrock, workspace.request(input_uri, **request))
        code, message = refusal(bedrock, workspace.request(input_uri, **request))
        assert create(bedrock, workspace.request(input_uri, modelId="openai.gpt-oss-20b-1:0"))
    assert code == "ServiceQuotaExceededException"
    assert "amazon.nova-micro-v1:0" in message


def test_a_model_and_its_profile_share_the_limit(
    service: Service, bedrock: Any, workspace: Workspace, input_uri: str
) -> None:
    model = "amazon.nova-2-lite-v1:0"
    profile_arn = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.{model}"
    with service.settings(max_jobs_per_model=2):
        for model_id in (model, f"us.{model}"):
            create(bedrock, workspace.request(input_uri, modelId=model_id))
        code, _ = refusal(bedrock, workspace.request(input_uri, modelId=profile_arn))
    assert code == "ServiceQuotaExceededException"


def test_custom_models_have_a_limit_of_their_own(
    service: Service, bedrock: Any, workspace: Workspace, input_uri: str
) -> None:
    base = "amazon.nova-pro-v1:0"
    custom = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/{base}:300k/abcdefghijkl"
    with service.settings(max_jobs_per_custom_model=1):
        for model_id in (base, base, custom):
            create(bedrock, workspace.request(input_uri, modelId=model_id))
        code, _ = refusal(bedrock, workspace.request(input_uri, modelId=custom))
    assert code == "ServiceQuotaExceededException"


def test_the_checks_have_an_order(service: Service, bedrock: Any, workspace: Workspace) -> None:
    taken = workspace.request("s3://bucket/in/")
    create(bedrock, taken)
    another = {"roleArn": role_of_another_account()}
    with service.settings(max_jobs_per_model=0):
        codes = [
            refusal(bedrock, taken | {"modelId": "no.model", "jobName": "a b"} | another)[0],
            refusal(bedrock, taken | {"modelId": "no.model"} | another)[0],
            refusal(bedrock, taken | {"modelId": "no.model"})[0],
            refusal(bedrock, taken)[0],
            refusal(bedrock, workspace.request("s3://bucket/in/"))[0],
        ]
    assert codes == [
        "ValidationException",
        "AccessDeniedException",
        "ValidationException",
        "ConflictException",
        "ServiceQuotaExceededException",
    ]


def test_more_than_fifty_tags_are_refused(bedrock: Any, workspace: Workspace, input_uri: str) -> None:
    tags = [{"key": f"key-{number}", "value": ""} for number in range(51)]
    code, message = refusal(bedrock, workspace.request(input_uri, tags=tags))
    assert (code, message) == ("ValidationException", "The resource can have at most 50 tags.")


def test_accounts_and_regions_are_apart(service: Service, workspace: Workspace, input_uri: str) -> None:
    request = workspace.request(input_uri)
    here, elsewhere = service.client(), service.client(region="eu-central-1")
    arns = create(here, request), create(elsewhere, request)
    assert arns[1].startswith(f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        here.get_model_invocation_job(jobIdentifier=arns[1])


def test_an_access_key_that_is_an_account_id_is_the_account(
    service: Service, workspace: Workspace, input_uri: str
) -> None:
    other = service.client(access_key="210987654321")
    code, _ = refusal(other, workspace.request(input_uri))
    assert code == "AccessDeniedException"
    arn = create(other, workspace.request(input_uri, roleArn="arn:aws:iam::210987654321:role/somebody"))
    assert ":210987654321:" in arn
