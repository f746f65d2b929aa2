"""Bedrock features that this service lacks: requests for them fail as AWS fails for a resource that does not exist."""

from typing import Any

from batchconsole.localbedrock.errors import ResourceNotFoundException, ServiceError, ValidationException
from batchconsole.localbedrock.jobs import Caller
from batchconsole.records.families.base import Refusal

NO_GUARDRAIL = "The guardrail identifier or version provided in the request does not exist."
NO_GUARDRAIL_NAMED = "The request body has amazon-bedrock-guardrailConfig, but no guardrail identifier is provided."
DEFAULT_PROJECT = "default"  # Every account has it. Source: Amazon Bedrock API, ProjectSummary.


def check_guardrail(body: dict[str, Any]) -> None:
    """Raise :class:`Refusal` if a Converse body, of a call or a record, names a guardrail."""
    config = body.get("guardrailConfig")
    if isinstance(config, dict) and config.get("guardrailIdentifier"):
        raise Refusal(NO_GUARDRAIL, path="$.guardrailConfig.guardrailIdentifier")


def check_guardrail_headers(params: dict[str, Any], body: dict[str, Any]) -> None:
    """Raise :class:`ValidationException` if an InvokeModel call names or configures a guardrail."""
    if params.get("guardrailIdentifier"):
        raise ValidationException(NO_GUARDRAIL)
    if "amazon-bedrock-guardrailConfig" in body:
        raise ValidationException(NO_GUARDRAIL_NAMED)


def project_fault(identifier: Any, caller: Caller) -> ServiceError | None:
    """Return the error for a project (id or ARN; ``None`` if none is named) other than the default one."""
    known = (None, DEFAULT_PROJECT, caller.arn(f"project/{DEFAULT_PROJECT}"))
    return None if identifier in known else ResourceNotFoundException(f"Could not find the project {identifier}.")
