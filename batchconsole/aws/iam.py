"""IAM: list the roles that Bedrock may assume, and create a new one with least privilege."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from batchconsole.aws import bedrock, policies
from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.policies import service_role_policy, service_role_trust
from batchconsole.aws.session import Target, client

__all__ = [
    "ServiceRole",
    "create_service_role",
    "list_service_roles",
    "new_role_documents",
    "service_role_policy",
    "service_role_trust",
]

Document = dict[str, Any]
SERVICE_PATH = "/service-role/"
DESCRIPTION = "Lets Amazon Bedrock read the input and write the output of batch inference jobs."


@dataclass(frozen=True, kw_only=True)
class ServiceRole:
    """A role that Bedrock may assume."""

    name: str
    arn: str
    path: str = "/"
    description: str = ""
    created_at: datetime | None = None


def list_service_roles(target: Target) -> list[ServiceRole]:
    """Return the roles that bedrock.amazonaws.com may assume, sorted by name. Raises :class:`AwsError`."""
    found: list[ServiceRole] = []
    with translate("ListRoles", permission="iam:ListRoles"):
        for page in client(target, "iam").get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000}):
            found += [_role(item) for item in page["Roles"] if _trusts_bedrock(item["AssumeRolePolicyDocument"])]
    return sorted(found, key=lambda role: role.name.lower())


def _role(item: dict[str, Any]) -> ServiceRole:
    return ServiceRole(
        name=item["RoleName"],
        arn=item["Arn"],
        path=item["Path"],
        description=item.get("Description", ""),
        created_at=item.get("CreateDate"),
    )


def _trusts_bedrock(policy: dict[str, Any] | str) -> bool:
    read: dict[str, Any] = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    return any(_allows_bedrock(statement) for statement in _as_list(read.get("Statement")))


def _allows_bedrock(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service")) if isinstance(principal, dict) else []
    actions = {str(action).lower() for action in _as_list(statement.get("Action"))}
    return (
        statement.get("Effect") == "Allow"
        and policies.SERVICE in services
        and bool(actions & {"sts:assumerole", "sts:*", "*"})
    )


def _as_list(value: Any) -> list[Any]:
    """Return *value* as a list, because IAM writes a list of one item as that item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def new_role_documents(
    target: Target, request: JobRequest, *, account_id: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the trust policy and the permissions that :func:`create_service_role` would write, for review.

    Raises :class:`AwsError` if the models behind an inference profile cannot be listed.
    """
    policy = service_role_policy(
        request, account_id=account_id, region=target.region, model_arns=_models_behind(target, request.model_id)
    )
    return service_role_trust(account_id=account_id, region=target.region), policy


def create_service_role(
    target: Target, request: JobRequest, *, role_name: str, account_id: str, boundary_arn: str = ""
) -> str:
    """Create the role *role_name* under ``/service-role/`` for jobs like *request* and return its ARN.

    With *boundary_arn*, the role gets that policy as its permissions boundary, beyond which no policy of it counts.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html

    Its one inline policy is :func:`service_role_policy`. If the policy cannot be written, the role is deleted again, so
    the same name can be used for another try.

    Raises
    ------
    AwsError
        ``EntityAlreadyExists``, ``AccessDenied``, or AWS could not be reached.
    """
    trust, policy = new_role_documents(target, request, account_id=account_id)
    iam = client(target, "iam")
    with translate("CreateRole", permission="iam:CreateRole", subject=f"role {role_name}"):
        role = iam.create_role(
            RoleName=role_name,
            Path=SERVICE_PATH,
            Description=DESCRIPTION,
            AssumeRolePolicyDocument=json.dumps(trust),
            **({"PermissionsBoundary": boundary_arn} if boundary_arn else {}),
        )["Role"]
    try:
        with translate("PutRolePolicy", permission="iam:PutRolePolicy", subject=f"role {role_name}"):
            iam.put_role_policy(
                RoleName=role_name, PolicyName=_policy_name(role_name), PolicyDocument=json.dumps(policy)
            )
    except AwsError as error:
        _remove(iam, role_name, error)
        raise
    return str(role["Arn"])


def _policy_name(role_name: str) -> str:
    """Return a policy name made from the role's, cut to fit into IAM's limit of 128 characters."""
    return f"{role_name[:100]}-batch-inference"


def _remove(iam: Any, role_name: str, cause: AwsError) -> None:
    """Delete an incomplete role; if that fails too, say so in the hint of *cause*, the error that led here."""
    try:
        with translate("DeleteRole", permission="iam:DeleteRole", subject=f"role {role_name}"):
            iam.delete_role(RoleName=role_name)
    except AwsError:
        cause.hint += f" The role {role_name} was made without permissions and could not be removed: delete it in IAM."


def _models_behind(target: Target, model_id: str) -> tuple[str, ...]:
    """Return the ARNs of the foundation models behind an inference profile, one per region; empty for other models.

    If AWS does not list the profile, return one ARN for all regions.
    """
    if not policies.is_inference_profile(model_id):
        return ()
    profile_id = model_id.rpartition("/")[2]
    for profile in bedrock.list_inference_profiles(target):
        if profile_id in (profile.inference_profile_id, profile.inference_profile_arn.rpartition("/")[2]):
            return profile.model_arns
    partition = policies.partition_of(target.region)
    return (f"arn:{partition}:bedrock:*::foundation-model/{profile_id.partition('.')[2]}",)
