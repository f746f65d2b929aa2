"""Service roles: whom they trust, what they may do, and that the local stack enforces it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest

from batchconsole.aws import iam, policies, s3
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.policies import partition_of
from batchconsole.aws.session import Target, client
from tests.aws.conftest import refused
from tests.conftest import ACCOUNT, REGION

MODEL = "amazon.nova-micro-v1:0"


def policy(*, model_arns: Iterable[str] = (), **changes: Any) -> dict[str, Any]:
    asked = {"input_s3_uri": "s3://prompts/in/", "output_s3_uri": "s3://answers/out", "model_id": MODEL}
    request = JobRequest.from_fields(asked | changes)
    return iam.service_role_policy(request, account_id=ACCOUNT, region=REGION, model_arns=model_arns)


def statement(document: dict[str, Any], sid: str) -> dict[str, Any]:
    return next(item for item in document["Statement"] if item["Sid"] == sid)


@pytest.fixture
def name() -> str:
    return f"role-{uuid4().hex[:12]}"


def create(target: Target, name: str, bucket: str) -> str:
    asked = {"input_s3_uri": f"s3://{bucket}/in/", "output_s3_uri": f"s3://{bucket}/out/", "model_id": MODEL}
    return iam.create_service_role(target, JobRequest.from_fields(asked), role_name=name, account_id=ACCOUNT)


def test_it_works(target: Target, name: str, bucket: str) -> None:
    arn = create(target, name, bucket)
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/service-role/{name}"
    assert name in [role.name for role in iam.list_service_roles(target)]


def test_a_permissions_boundary_bounds_the_role(target: Target, name: str, bucket: str) -> None:
    bounds = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}], "Version": "2012-10-17"}
    made = client(target, "iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(bounds))
    boundary_arn = made["Policy"]["Arn"]
    asked = JobRequest.from_fields({"input_s3_uri": f"s3://{bucket}/", "output_s3_uri": f"s3://{bucket}/o/"})
    iam.create_service_role(target, asked, role_name=name, account_id=ACCOUNT, boundary_arn=boundary_arn)
    role = client(target, "iam").get_role(RoleName=name)["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary_arn


def test_only_roles_bedrock_may_assume_are_listed(target: Target, name: str) -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]
    }
    client(target, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    assert name not in [role.name for role in iam.list_service_roles(target)]


def test_services_and_actions_may_be_lists(target: Target, name: str) -> None:
    principal = {"Service": ["ec2.amazonaws.com", "bedrock.amazonaws.com"]}
    trust = {"Statement": {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": principal}}
    client(target, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    assert name in [role.name for role in iam.list_service_roles(target)]


def test_a_name_that_is_taken(target: Target, name: str, bucket: str) -> None:
    create(target, name, bucket)
    with refused("EntityAlreadyExists"):
        create(target, name, bucket)


def test_the_role_reads_its_input_and_nothing_else(target: Target, name: str, bucket: str) -> None:
    create(target, name, bucket)
    for key in ("in/a.jsonl", "private/b.jsonl"):
        s3.put_object(target, bucket, key, b"{}")
    role = as_bedrock(target, name)
    assert role.get_object(Bucket=bucket, Key="in/a.jsonl")["ContentLength"] == 2
    role.put_object(Bucket=bucket, Key="out/x", Body=b"")
    with pytest.raises(role.exceptions.ClientError, match="AccessDenied"):
        role.get_object(Bucket=bucket, Key="private/b.jsonl")
    with pytest.raises(role.exceptions.ClientError, match="AccessDenied"):
        role.put_object(Bucket=bucket, Key="in/c.jsonl", Body=b"")


def as_bedrock(target: Target, role_name: str) -> Any:
    """An S3 client with the role's credentials, assumed as the service does on behalf of a job."""
    sts = boto3.client(
        "sts",
        endpoint_url=target.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    job_arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/abcdefghijkl"
    source = {"x-amz-source-account": ACCOUNT, "x-amz-source-arn": job_arn}

    def say_for_whom(params: dict[str, Any], **_: Any) -> None:
        params["headers"].update(source)

    sts.meta.events.register("before-call.sts.AssumeRole", say_for_whom)
    arn = f"arn:aws:iam::{ACCOUNT}:role/service-role/{role_name}"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="job")["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=target.endpoint_url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


@pytest.fixture
def limited(target: Target, name: str, monkeypatch: pytest.MonkeyPatch) -> Target:
    """Somebody who may make and delete roles, but not give them permissions."""
    admin = client(target, "iam")
    admin.create_user(UserName=name)
    allowed = policies.document([{"Effect": "Allow", "Action": ["iam:CreateRole", "iam:DeleteRole"], "Resource": "*"}])
    admin.put_user_policy(UserName=name, PolicyName="roles", PolicyDocument=json.dumps(allowed))
    key = admin.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    return replace(target, credentials="default", external_id=name)  # The name keeps clients of two tests apart.


def test_a_role_without_its_policy_is_not_left_behind(limited: Target, target: Target, name: str, bucket: str) -> None:
    with refused("AccessDenied"):
        create(limited, name, bucket)
    assert name not in [role.name for role in iam.list_service_roles(target)]


def test_trust_is_for_batch_jobs_of_this_account_and_region() -> None:
    condition = iam.service_role_trust(account_id=ACCOUNT, region="eu-west-1")["Statement"][0]["Condition"]
    assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert condition["ArnEquals"] == {"aws:SourceArn": f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:model-invocation-job/*"}


def test_a_folder_and_a_file_are_granted_as_such() -> None:
    assert statement(policy(), "ReadInput")["Resource"] == ["arn:aws:s3:::prompts/in/*"]
    assert statement(policy(input_s3_uri="s3://prompts/a/b.jsonl"), "ReadInput")["Resource"] == [
        "arn:aws:s3:::prompts/a/b.jsonl"
    ]
    assert statement(policy(), "WriteOutput")["Resource"] == ["arn:aws:s3:::answers/out/*"]


def test_a_whole_bucket_is_granted() -> None:
    assert statement(policy(input_s3_uri="s3://prompts"), "ReadInput")["Resource"] == ["arn:aws:s3:::prompts/*"]


def test_both_buckets_are_listed_and_of_their_owners() -> None:
    listing = statement(policy(input_bucket_owner="999999999999"), "ListBuckets")
    assert listing["Resource"] == ["arn:aws:s3:::answers", "arn:aws:s3:::prompts"]
    assert listing["Condition"] == {"StringEquals": {"aws:ResourceAccount": [ACCOUNT, "999999999999"]}}


def test_a_key_is_used_through_s3_only() -> None:
    use = statement(policy(output_kms_key_id="1234abcd-12ab-34cd-56ef-1234567890ab"), "UseKey")
    assert use["Resource"] == [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
    assert use["Condition"]["StringEquals"] == {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}


@pytest.mark.parametrize("key", ["alias/prompts", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/prompts"])
def test_an_alias_becomes_a_condition(key: str) -> None:
    use = statement(policy(output_kms_key_id=key), "UseKey")
    assert use["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/prompts"}


def test_an_inference_profile_needs_its_models_in_each_region() -> None:
    models = [f"arn:aws:bedrock:{region}::foundation-model/{MODEL}" for region in ("us-east-1", "us-west-2")]
    invoke = statement(policy(model_id=f"us.{MODEL}", model_arns=models), "InferenceProfile")
    assert invoke["Resource"] == [f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.{MODEL}", *models]


def test_interfaces_are_made_in_the_chosen_subnets_for_batch_jobs_only() -> None:
    made = statement(policy(subnet_ids=("subnet-1",), security_group_ids=("sg-1",)), "CreateInterface")
    ec2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    assert made["Resource"] == [f"{ec2}:network-interface/*", f"{ec2}:subnet/subnet-1", f"{ec2}:security-group/sg-1"]
    jobs = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-invocation-job/*"
    assert made["Condition"]["ArnEquals"] == {"aws:RequestTag/BedrockModelInvocationJobArn": jobs}


def test_only_interfaces_of_batch_jobs_are_removed() -> None:
    used = statement(policy(subnet_ids=("subnet-1",), security_group_ids=("sg-1",)), "UseInterface")
    assert used["Condition"]["StringEquals"] == {"ec2:Subnet": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/subnet-1"]}
    assert "ec2:ResourceTag/BedrockModelInvocationJobArn" in used["Condition"]["ArnEquals"]


def test_without_a_vpc_the_role_may_do_nothing_in_one() -> None:
    assert "ec2:" not in json.dumps(policy())


def test_no_profile_no_invocation() -> None:
    assert "InferenceProfile" not in [item["Sid"] for item in policy()["Statement"]]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("ap-southeast-2", "aws")],
)
def test_regions_lie_in_partitions(region: str, partition: str) -> None:
    assert partition_of(region) == partition
