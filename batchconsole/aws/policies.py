"""The trust and permission policies of a batch inference service role: least privilege on the chosen locations.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html and, for a VPC, batch-vpc.html there.
Pure: this module makes no calls.
"""

from collections.abc import Iterable
from typing import Any

from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.s3_addresses import parse_s3_uri

Statement = dict[str, Any]
SERVICE = "bedrock.amazonaws.com"
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
PROFILE_PREFIXES = frozenset({"us", "us-gov", "eu", "apac", "global", "jp", "au", "ca"})

# https://docs.aws.amazon.com/bedrock/latest/userguide/batch-vpc.html, with the tags that Bedrock sets on its interfaces
VPC_DESCRIPTIONS = [
    f"ec2:Describe{what}" for what in ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups")
]
INTERFACE_USES = [
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
]
MANAGED_TAG, JOB_TAG = "BedrockManaged", "BedrockModelInvocationJobArn"


def partition_of(region: str) -> str:
    """Return the ARN partition of a region: ``aws``, ``aws-us-gov`` or ``aws-cn``."""
    return {"us-gov": "aws-us-gov", "cn": "aws-cn"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return a policy document in the current version of the policy language."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def service_role_trust(*, account_id: str, region: str) -> dict[str, Any]:
    """Return the trust policy: Bedrock may assume the role, but only for batch jobs of this account and region."""
    arn = _any_job(partition_of(region), region, account_id)
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}, "ArnEquals": {"aws:SourceArn": arn}},
            }
        ]
    )


def service_role_policy(
    request: JobRequest, *, account_id: str, region: str, model_arns: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the permissions that a job of *request* needs: S3, and KMS key, inference profile and VPC if set.

    The buckets may belong to the role's account or to the owners named in the request.

    Parameters
    ----------
    model_arns
        If the request's model is an inference profile, the foundation models behind it, one for each of its regions.
    """
    partition = partition_of(region)
    owners = sorted({account_id, request.input_bucket_owner, request.output_bucket_owner} - {""})
    statements = _s3(partition, request.input_s3_uri, request.output_s3_uri, owners)
    if request.output_kms_key_id:
        statements.append(_kms(partition, region, account_id, request.output_kms_key_id))
    if is_inference_profile(request.model_id):
        arns = [_profile_arn(partition, region, account_id, request.model_id), *model_arns]
        statements.append(_allow("InferenceProfile", ["bedrock:InvokeModel"], arns))
    if request.subnet_ids:
        statements += _vpc(partition, region, account_id, request)
    return document(statements)


def is_inference_profile(model_id: str) -> bool:
    """Whether *model_id* is an inference profile: the ARN of one, or an id with a geography as prefix (``us.``)."""
    return "inference-profile/" in model_id or model_id.partition(".")[0] in PROFILE_PREFIXES


def _allow(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def _s3(partition: str, input_s3_uri: str, output_s3_uri: str, owners: list[str]) -> list[Statement]:
    condition = {"StringEquals": {"aws:ResourceAccount": owners}}
    buckets = sorted({parse_s3_uri(uri)[0] for uri in (input_s3_uri, output_s3_uri)})
    return [
        _allow("ListBuckets", ["s3:ListBucket"], [f"arn:{partition}:s3:::{name}" for name in buckets], condition),
        _allow("ReadInput", ["s3:GetObject"], [_objects(partition, input_s3_uri)], condition),
        _allow("WriteOutput", ["s3:GetObject", "s3:PutObject"], [_objects(partition, output_s3_uri)], condition),
    ]


def _objects(partition: str, uri: str) -> str:
    """Return the ARN of the file that *uri* names, or of everything in the folder that it names."""
    bucket, key = parse_s3_uri(uri)
    folder = key if not key or key.endswith("/") else f"{key}/"
    return f"arn:{partition}:s3:::{bucket}/" + (key if key.endswith(".jsonl") else f"{folder}*")


def _kms(partition: str, region: str, account_id: str, kms_key_id: str) -> Statement:
    """Allow use of one key, only through S3. An alias cannot be a policy's resource, so it becomes a condition."""
    via = {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
    alias = kms_key_id.rpartition(":")[2] if "alias/" in kms_key_id else ""
    arn = kms_key_id if kms_key_id.startswith("arn:") else f"arn:{partition}:kms:{region}:{account_id}:key/{kms_key_id}"
    if alias:
        arn = f"arn:{partition}:kms:{region}:{account_id}:key/*"
        via["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
    return _allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [arn], via)


def _vpc(partition: str, region: str, account_id: str, request: JobRequest) -> list[Statement]:
    """Allow only batch jobs to create, tag, use and delete network interfaces in the chosen subnets."""
    ec2, job = f"arn:{partition}:ec2:{region}:{account_id}", _any_job(partition, region, account_id)
    interfaces = f"{ec2}:network-interface/*"
    subnets = [f"{ec2}:subnet/{name}" for name in request.subnet_ids]
    groups = [f"{ec2}:security-group/{name}" for name in request.security_group_ids]
    made = {
        "StringEquals": {f"aws:RequestTag/{MANAGED_TAG}": "true"},
        "ArnEquals": {f"aws:RequestTag/{JOB_TAG}": job},
    }
    own = {"StringEquals": {"ec2:Subnet": subnets}, "ArnEquals": {f"ec2:ResourceTag/{JOB_TAG}": job}}
    tagged = {
        "StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"},
        "ForAllValues:StringEquals": {"aws:TagKeys": [MANAGED_TAG, JOB_TAG]},
    }
    return [
        _allow("DescribeVpc", VPC_DESCRIPTIONS, ["*"]),
        _allow("CreateInterface", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, *groups], made),
        _allow("UseInterface", INTERFACE_USES, ["*"], own),
        _allow("TagInterface", ["ec2:CreateTags"], [interfaces], tagged),
    ]


def _any_job(partition: str, region: str, account_id: str) -> str:
    return f"arn:{partition}:bedrock:{region}:{account_id}:model-invocation-job/*"


def _profile_arn(partition: str, region: str, account_id: str, model_id: str) -> str:
    if model_id.startswith("arn:"):
        return model_id
    return f"arn:{partition}:bedrock:{region}:{account_id}:inference-profile/{model_id}"
