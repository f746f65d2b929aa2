"""The operations by AWS's names. To add one, write a function here and a line below; botocore knows its route."""

from collections.abc import Callable
from typing import Any

from batchconsole.localbedrock.jobs import Caller
from batchconsole.localbedrock.operations import invocation_jobs, models, runtime, tagging
from batchconsole.localbedrock.service import Service

Operation = Callable[[Service, Caller, dict[str, Any]], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "CreateModelInvocationJob": invocation_jobs.create_model_invocation_job,
    "GetModelInvocationJob": invocation_jobs.get_model_invocation_job,
    "ListModelInvocationJobs": invocation_jobs.list_model_invocation_jobs,
    "StopModelInvocationJob": invocation_jobs.stop_model_invocation_job,
    "TagResource": tagging.tag_resource,
    "UntagResource": tagging.untag_resource,
    "ListTagsForResource": tagging.list_tags_for_resource,
    "ListFoundationModels": models.list_foundation_models,
    "GetFoundationModel": models.get_foundation_model,
    "ListInferenceProfiles": models.list_inference_profiles,
    "GetInferenceProfile": models.get_inference_profile,
    "Converse": runtime.converse,
    "InvokeModel": runtime.invoke_model,
    "CountTokens": runtime.count_tokens,
}
