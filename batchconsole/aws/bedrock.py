"""The part of Amazon Bedrock's control plane that batch jobs need. Shapes: botocore's ``bedrock/2023-04-20`` model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from batchconsole.aws.constraints import Constraint, job_constraints
from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.job_request import JobRequest, Member, read_members
from batchconsole.aws.policies import partition_of
from batchconsole.aws.session import Target, client

__all__ = [
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
CUT_OFF = "AnswerCutOff"


@dataclass(frozen=True, kw_only=True)
class JobSummary(JobRequest):
    """A batch job as returned by Get and List: its request, without tags, and its progress.

    Times are aware datetimes; a time or count that AWS does not return is ``None``.
    """

    job_arn: Annotated[str, Member("jobArn")]
    status: Annotated[str, Member("status")] = "Submitted"
    message: Annotated[str, Member("message")] = ""
    submit_time: Annotated[datetime, Member("submitTime")]
    last_modified_time: Annotated[datetime | None, Member("lastModifiedTime")] = None
    end_time: Annotated[datetime | None, Member("endTime")] = None
    job_expiration_time: Annotated[datetime | None, Member("jobExpirationTime")] = None
    total_record_count: Annotated[int | None, Member("totalRecordCount")] = None
    processed_record_count: Annotated[int | None, Member("processedRecordCount")] = None
    success_record_count: Annotated[int | None, Member("successRecordCount")] = None
    error_record_count: Annotated[int | None, Member("errorRecordCount")] = None

    @classmethod
    def from_api(cls, answer: dict[str, Any]) -> "JobSummary":
        """Read a GetModelInvocationJob response or one summary from a list."""
        return cls(**read_members(cls, answer))


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
    """A route to a model in one or more regions. ``type``: ``SYSTEM_DEFINED`` or ``APPLICATION``."""

    inference_profile_id: str
    inference_profile_arn: str
    inference_profile_name: str = ""
    description: str = ""
    type: str = "SYSTEM_DEFINED"
    model_arns: tuple[str, ...] = ()


def job_arn(region: str, account_id: str, job_id: str) -> str:
    """Return the ARN of the job with the 12-character *job_id*."""
    return f"arn:{partition_of(region)}:bedrock:{region}:{account_id}:model-invocation-job/{job_id}"


def create_model_invocation_job(target: Target, request: JobRequest) -> str:
    """Start a batch job and return its ARN.

    With a ``client_request_token``, repeating the same request returns the first job's ARN.

    Raises
    ------
    AwsError
        ``ConflictException`` (name in use), ``ServiceQuotaExceededException``, ``ThrottlingException``,
        ``ValidationException``, ``AccessDeniedException``, ``ResourceNotFoundException``, ``AnswerCutOff``, or AWS
        could not be reached.
    """
    with translate(
        "CreateModelInvocationJob",
        permission="bedrock:CreateModelInvocationJob",
        subject=f"model {request.model_id}",
    ):
        answer = client(target, "bedrock").create_model_invocation_job(**request.to_api())
    if not answer.get("jobArn"):
        # botocore reads a truncated body as an empty one. The job may exist; repeating the same token finds it.
        raise AwsError("AWS's answer was cut off.", code=CUT_OFF, operation="CreateModelInvocationJob", retryable=True)
    return str(answer["jobArn"])


def get_model_invocation_job(target: Target, job_identifier: str) -> JobSummary:
    """Return one job by its ARN or 12-character id. Raises :class:`AwsError` (``ResourceNotFoundException``)."""
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
    """Yield the account's jobs in this region, newest first, as one list per page; each page is one call, made lazily.

    *max_results* is the page size, 1 to 1000. Raises :class:`AwsError` at the page that fails.
    """
    filters = {"submitTimeAfter": submit_time_after, "statusEquals": status_equals, "nameContains": name_contains}
    request: dict[str, Any] = {name: value for name, value in filters.items() if value}
    request |= {"sortBy": "CreationTime", "sortOrder": "Descending", "maxResults": max_results}
    for page in _pages(target, "list_model_invocation_jobs", "ListModelInvocationJobs", request):
        yield [JobSummary.from_api(item) for item in page.get("invocationJobSummaries", [])]


def stop_model_invocation_job(target: Target, job_identifier: str) -> None:
    """Ask AWS to stop a job. AWS writes and charges for partial results.

    Raises :class:`AwsError`: ``ValidationException`` with ``State was: <status>`` if the job has ended already.
    """
    with translate("StopModelInvocationJob", permission="bedrock:StopModelInvocationJob", subject=job_identifier):
        client(target, "bedrock").stop_model_invocation_job(jobIdentifier=job_identifier)


def tag_resource(target: Target, resource_arn: str, tags: Iterable[dict[str, str]]) -> None:
    """Add or change tags, each ``{"key": ..., "value": ...}``. Raises :class:`AwsError` (``TooManyTagsException``)."""
    with translate("TagResource", permission="bedrock:TagResource", subject=resource_arn):
        client(target, "bedrock").tag_resource(resourceARN=resource_arn, tags=list(tags))


def untag_resource(target: Target, resource_arn: str, tag_keys: Iterable[str]) -> None:
    """Remove tags by key; keys that the resource does not have are ignored. Raises :class:`AwsError`."""
    with translate("UntagResource", permission="bedrock:UntagResource", subject=resource_arn):
        client(target, "bedrock").untag_resource(resourceARN=resource_arn, tagKeys=list(tag_keys))


def list_tags_for_resource(target: Target, resource_arn: str) -> list[dict[str, str]]:
    """Return the tags of a resource, each ``{"key": ..., "value": ...}``. Raises :class:`AwsError`."""
    with translate("ListTagsForResource", permission="bedrock:ListTagsForResource", subject=resource_arn):
        return list(client(target, "bedrock").list_tags_for_resource(resourceARN=resource_arn)["tags"])


def list_foundation_models(target: Target) -> list[FoundationModel]:
    """Return the models that the region offers, whether or not they support batch. Raises :class:`AwsError`."""
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
    """Return AWS's inference profiles, then the account's own. Raises :class:`AwsError`.

    Each type is requested by name, because a list without the filter omits the account's own profiles.
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
    """Yield each page of a list call, following ``nextToken``."""
    token: dict[str, str] = {}
    while True:
        with translate(operation, permission=f"bedrock:{operation}"):
            page = getattr(client(target, "bedrock"), method)(**request, **token)
        yield page
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
