"""Amazon Bedrock's control plane as far as batch jobs need it. Shapes: botocore's ``bedrock/2023-04-20`` model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchconsole.aws.constraints import Constraint, job_constraints
from batchconsole.aws.errors import translate
from batchconsole.aws.policies import partition_of
from batchconsole.aws.session import Target, client

__all__ = [
    "MAX_TAGS",
    "Constraint",
    "FoundationModel",
    "InferenceProfile",
    "JobSummary",
    "create_model_invocation_job",
    "get_model_invocation_job",
    "job_arn",
    "job_constraints",
    "list_foundation_models",
    "list_inference_profiles",
    "list_model_invocation_jobs",
    "list_tags_for_resource",
    "stop_model_invocation_job",
    "tag_resource",
    "untag_resource",
]

# The API model admits 200 in one call, the service 50 a resource.
# https://docs.aws.amazon.com/bedrock/latest/userguide/tagging.html
MAX_TAGS = 50


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """A batch job as Get and List return it. Times are aware datetimes; a count AWS does not give is ``None``."""

    job_arn: str
    job_name: str
    model_id: str
    role_arn: str
    status: str
    submit_time: datetime
    input_s3_uri: str
    output_s3_uri: str
    model_invocation_type: str = "InvokeModel"
    client_request_token: str = ""
    message: str = ""
    last_modified_time: datetime | None = None
    end_time: datetime | None = None
    job_expiration_time: datetime | None = None
    timeout_duration_in_hours: int | None = None
    input_bucket_owner: str = ""
    output_bucket_owner: str = ""
    output_kms_key_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    total_record_count: int | None = None
    processed_record_count: int | None = None
    success_record_count: int | None = None
    error_record_count: int | None = None

    @classmethod
    def from_api(cls, answer: dict[str, Any]) -> "JobSummary":
        """Read the members of a GetModelInvocationJob response or of one summary in a list."""
        source = answer["inputDataConfig"].get("s3InputDataConfig", {})
        target = answer["outputDataConfig"].get("s3OutputDataConfig", {})
        vpc = answer.get("vpcConfig", {})
        return cls(
            job_arn=answer["jobArn"],
            job_name=answer["jobName"],
            model_id=answer["modelId"],
            role_arn=answer["roleArn"],
            status=answer.get("status", "Submitted"),
            submit_time=answer["submitTime"],
            input_s3_uri=source.get("s3Uri", ""),
            output_s3_uri=target.get("s3Uri", ""),
            model_invocation_type=answer.get("modelInvocationType", "InvokeModel"),
            client_request_token=answer.get("clientRequestToken", ""),
            message=answer.get("message", ""),
            last_modified_time=answer.get("lastModifiedTime"),
            end_time=answer.get("endTime"),
            job_expiration_time=answer.get("jobExpirationTime"),
            timeout_duration_in_hours=answer.get("timeoutDurationInHours"),
            input_bucket_owner=source.get("s3BucketOwner", ""),
            output_bucket_owner=target.get("s3BucketOwner", ""),
            output_kms_key_id=target.get("s3EncryptionKeyId", ""),
            subnet_ids=tuple(vpc.get("subnetIds", ())),
            security_group_ids=tuple(vpc.get("securityGroupIds", ())),
            total_record_count=answer.get("totalRecordCount"),
            processed_record_count=answer.get("processedRecordCount"),
            success_record_count=answer.get("successRecordCount"),
            error_record_count=answer.get("errorRecordCount"),
        )


@dataclass(frozen=True, kw_only=True)
class FoundationModel:
    """A model the region offers. ``inference_types``: ``ON_DEMAND``, ``PROVISIONED``, ``INFERENCE_PROFILE``."""

    model_id: str
    model_arn: str
    model_name: str = ""
    provider_name: str = ""
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    inference_types: tuple[str, ...] = ()
    lifecycle_status: str = "ACTIVE"


@dataclass(frozen=True, kw_only=True)
class InferenceProfile:
    """A way to a model in several regions. ``type``: ``SYSTEM_DEFINED`` or ``APPLICATION``."""

    inference_profile_id: str
    inference_profile_arn: str
    inference_profile_name: str = ""
    description: str = ""
    type: str = "SYSTEM_DEFINED"
    model_arns: tuple[str, ...] = ()


def job_arn(region: str, account_id: str, job_id: str) -> str:
    """The ARN of the job with the 12-character *job_id*."""
    return f"arn:{partition_of(region)}:bedrock:{region}:{account_id}:model-invocation-job/{job_id}"


def create_model_invocation_job(target: Target, request: dict[str, Any]) -> str:
    """Start a batch job and return its ARN. *request* has the API's own keys (``jobName``, ``inputDataConfig``, ...).

    With a ``clientRequestToken``, repeating the same request returns the first job's ARN.

    Raises
    ------
    AwsError
        ``ConflictException`` (name in use), ``ServiceQuotaExceededException``, ``ThrottlingException``,
        ``ValidationException``, ``AccessDeniedException``, ``ResourceNotFoundException``, or never reached.
    """
    with translate(
        "CreateModelInvocationJob",
        permission="bedrock:CreateModelInvocationJob",
        subject=f"model {request.get('modelId', '')}",
    ):
        return str(client(target, "bedrock").create_model_invocation_job(**request)["jobArn"])


def get_model_invocation_job(target: Target, job_identifier: str) -> JobSummary:
    """One job by its ARN or 12-character id; raises :class:`AwsError` (``ResourceNotFoundException``)."""
    with translate("GetModelInvocationJob", permission="bedrock:GetModelInvocationJob", subject=job_identifier):
        return JobSummary.from_api(client(target, "bedrock").get_model_invocation_job(jobIdentifier=job_identifier))


def list_model_invocation_jobs(
    target: Target,
    *,
    submit_time_after: datetime | None = None,
    status_equals: str | None = None,
    name_contains: str | None = None,
    max_results: int = 1000,
) -> Iterator[list[JobSummary]]:
    """The account's jobs in this region, newest first, one list a page; each page costs one call when it is asked for.

    *max_results* is the page's size, 1 to 1000. Raises :class:`AwsError` at the page that fails.
    """
    filters = {"submitTimeAfter": submit_time_after, "statusEquals": status_equals, "nameContains": name_contains}
    request: dict[str, Any] = {name: value for name, value in filters.items() if value}
    request |= {"sortBy": "CreationTime", "sortOrder": "Descending", "maxResults": max_results}
    for page in _pages(target, "list_model_invocation_jobs", "ListModelInvocationJobs", request):
        yield [JobSummary.from_api(item) for item in page.get("invocationJobSummaries", [])]


def stop_model_invocation_job(target: Target, job_identifier: str) -> None:
    """Ask AWS to stop a job. Partial results are written and charged.

    Raises :class:`AwsError`: ``ValidationException`` with ``State was: <status>`` when it has ended already.
    """
    with translate("StopModelInvocationJob", permission="bedrock:StopModelInvocationJob", subject=job_identifier):
        client(target, "bedrock").stop_model_invocation_job(jobIdentifier=job_identifier)


def tag_resource(target: Target, resource_arn: str, tags: Iterable[dict[str, str]]) -> None:
    """Add or change tags, each ``{"key": ..., "value": ...}``; raises :class:`AwsError` (``TooManyTagsException``)."""
    with translate("TagResource", permission="bedrock:TagResource", subject=resource_arn):
        client(target, "bedrock").tag_resource(resourceARN=resource_arn, tags=list(tags))


def untag_resource(target: Target, resource_arn: str, tag_keys: Iterable[str]) -> None:
    """Remove tags by key; a key the resource does not have is no error. Raises :class:`AwsError`."""
    with translate("UntagResource", permission="bedrock:UntagResource", subject=resource_arn):
        client(target, "bedrock").untag_resource(resourceARN=resource_arn, tagKeys=list(tag_keys))


def list_tags_for_resource(target: Target, resource_arn: str) -> list[dict[str, str]]:
    """The tags of a resource, each ``{"key": ..., "value": ...}``; raises :class:`AwsError`."""
    with translate("ListTagsForResource", permission="bedrock:ListTagsForResource", subject=resource_arn):
        return list(client(target, "bedrock").list_tags_for_resource(resourceARN=resource_arn)["tags"])


def list_foundation_models(target: Target) -> list[FoundationModel]:
    """The models the region offers; says nothing about batch support. Raises :class:`AwsError`."""
    with translate("ListFoundationModels", permission="bedrock:ListFoundationModels"):
        answer = client(target, "bedrock").list_foundation_models()
    return [_foundation_model(item) for item in answer["modelSummaries"]]


def _foundation_model(item: dict[str, Any]) -> FoundationModel:
    return FoundationModel(
        model_id=item["modelId"],
        model_arn=item["modelArn"],
        model_name=item.get("modelName", ""),
        provider_name=item.get("providerName", ""),
        input_modalities=tuple(item.get("inputModalities", ())),
        output_modalities=tuple(item.get("outputModalities", ())),
        inference_types=tuple(item.get("inferenceTypesSupported", ())),
        lifecycle_status=item.get("modelLifecycle", {}).get("status", "ACTIVE"),
    )


def list_inference_profiles(target: Target) -> list[InferenceProfile]:
    """AWS's inference profiles, then the account's own; raises :class:`AwsError`.

    Both types are asked for by name, since a list without the filter leaves the account's own out.
    """
    found: dict[str, InferenceProfile] = {}
    for kind in ("SYSTEM_DEFINED", "APPLICATION"):
        request = {"typeEquals": kind, "maxResults": 1000}
        for page in _pages(target, "list_inference_profiles", "ListInferenceProfiles", request):
            for item in page["inferenceProfileSummaries"]:
                found[item["inferenceProfileArn"]] = _inference_profile(item)
    return list(found.values())


def _inference_profile(item: dict[str, Any]) -> InferenceProfile:
    return InferenceProfile(
        inference_profile_id=item["inferenceProfileId"],
        inference_profile_arn=item["inferenceProfileArn"],
        inference_profile_name=item.get("inferenceProfileName", ""),
        description=item.get("description", ""),
        type=item.get("type", "SYSTEM_DEFINED"),
        model_arns=tuple(model["modelArn"] for model in item.get("models", ()) if "modelArn" in model),
    )


def _pages(target: Target, method: str, operation: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each page of a list call, following ``nextToken``."""
    token: dict[str, str] = {}
    while True:
        with translate(operation, permission=f"bedrock:{operation}"):
            page = getattr(client(target, "bedrock"), method)(**request, **token)
        yield page
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
