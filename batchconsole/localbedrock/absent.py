"""What Bedrock has and this service has not: naming one is refused as AWS refuses one that is not there."""

from typing import Any

from batchconsole.localbedrock.errors import ResourceNotFoundException, ServiceError, ValidationException
from batchconsole.localbedrock.jobs import Caller
from batchconsole.records.families.base import Refusal

NO_GUARDRAIL = "The guardrail identifier or version provided in the request does not exist."
NO_GUARDRAIL_NAMED = "The request body has amazon-bedrock-guardrailConfig, but no guardrail identifier is provided."
DEFAULT_PROJECT = "default"  # Every account has it. Source: Amazon Bedrock API, ProjectSummary.


def check_guardrail(body: dict[str, Any]) -> None:
    """Refuse a Converse body (of a record, too) that names a guardrail. Raises :class:`Refusal`."""
    config = body.get("guardrailConfig")
    if isinstance(config, dict) and config.get("guardrailIdentifier"):
        raise Refusal(NO_GUARDRAIL, path="$.guardrailConfig.guardrailIdentifier")


def check_guardrail_headers(params: dict[str, Any], body: dict[str, Any]) -> None:
    """Refuse an InvokeModel call with a guardrail. Raises :class:`ValidationException`."""
    if params.get("guardrailIdentifier"):
        raise ValidationException(NO_GUARDRAIL)
    if "amazon-bedrock-guardrailConfig" in body:
        raise ValidationException(NO_GUARDRAIL_NAMED)


def project_fault(identifier: Any, caller: Caller) -> ServiceError | None:
    """The error for a project (id or ARN, ``None``: none named) other than the default one."""
    known = (None, DEFAULT_PROJECT, caller.arn(f"project/{DEFAULT_PROJECT}"))
    return None if identifier in known else ResourceNotFoundException(f"Could not find the project {identifier}.")
