"""The trust and permission documents of a batch inference service role: least privilege on the chosen locations.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html. Pure: no call is made here.
"""

from collections.abc import Iterable
from typing import Any

from batchconsole.aws.s3 import parse_s3_uri

Statement = dict[str, Any]
SERVICE = "bedrock.amazonaws.com"
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
PROFILE_PREFIXES = frozenset({"us", "us-gov", "eu", "apac", "global", "jp", "au", "ca"})


def partition_of(region: str) -> str:
    """The ARN partition a region lies in: ``aws``, ``aws-us-gov`` or ``aws-cn``."""
    return {"us-gov": "aws-us-gov", "cn": "aws-cn"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """A policy document of the one current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def service_role_trust(*, account_id: str, region: str) -> dict[str, Any]:
    """The trust policy: Bedrock may assume the role, only for batch jobs of this account and region."""
    arn = f"arn:{partition_of(region)}:bedrock:{region}:{account_id}:model-invocation-job/*"
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
    *,
    input_s3_uri: str,
    output_s3_uri: str,
    model_id: str,
    account_id: str,
    region: str,
    kms_key_id: str = "",
    model_arns: Iterable[str] = (),
    bucket_owners: Iterable[str] = (),
) -> dict[str, Any]:
    """The permissions a batch job needs: S3 on its two locations, the KMS key and the inference profile when given.

    Parameters
    ----------
    model_arns
        The foundation models behind *model_id* when that is an inference profile, one for each of its regions.
    bucket_owners
        Other accounts that own a bucket; the role's own is always among them.
    """
    partition = partition_of(region)
    owners = sorted({account_id, *bucket_owners} - {""})
    statements = _s3(partition, input_s3_uri, output_s3_uri, owners)
    if kms_key_id:
        statements.append(_kms(partition, region, account_id, kms_key_id))
    if is_inference_profile(model_id):
        arns = [_profile_arn(partition, region, account_id, model_id), *model_arns]
        statements.append(_allow("InferenceProfile", ["bedrock:InvokeModel"], arns))
    return document(statements)


def is_inference_profile(model_id: str) -> bool:
    """Whether *model_id* is an inference profile: an ARN of one, or an id that begins with a geography (``us.``)."""
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
    """The ARN of the one file a location names, or of everything in the folder it names."""
    bucket, key = parse_s3_uri(uri)
    folder = key if not key or key.endswith("/") else f"{key}/"
    return f"arn:{partition}:s3:::{bucket}/" + (key if key.endswith(".jsonl") else f"{folder}*")


def _kms(partition: str, region: str, account_id: str, kms_key_id: str) -> Statement:
    """Use of one key through S3 only. An alias is no resource of a grant, so it becomes a condition on all keys."""
    via = {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
    alias = kms_key_id.rpartition(":")[2] if "alias/" in kms_key_id else ""
    arn = kms_key_id if kms_key_id.startswith("arn:") else f"arn:{partition}:kms:{region}:{account_id}:key/{kms_key_id}"
    if alias:
        arn = f"arn:{partition}:kms:{region}:{account_id}:key/*"
        via["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
    return _allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [arn], via)


def _profile_arn(partition: str, region: str, account_id: str, model_id: str) -> str:
    if model_id.startswith("arn:"):
        return model_id
    return f"arn:{partition}:bedrock:{region}:{account_id}:inference-profile/{model_id}"
