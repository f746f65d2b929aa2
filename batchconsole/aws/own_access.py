"""The permissions that the console itself needs in an account, and which of them a connection's identity has.

Permissions in :data:`READS` are tested by a real call, all others with IAM's simulator, which knows the policies of the
identity but not those of buckets and keys.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

from batchconsole.aws.errors import AwsError, translate
from batchconsole.aws.hints import DENIED_CODES
from batchconsole.aws.patience import at_once
from batchconsole.aws.policies import SERVICE, document, partition_of
from batchconsole.aws.pricing import ENDPOINT_REGION
from batchconsole.aws.session import Target, client

SIMULATE = "iam:SimulatePrincipalPolicy"
PASS_ROLE = "iam:PassRole"  # noqa: S105 - an IAM action
# The key of a condition that only these of the console's actions know.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
BOUNDARY, BOUNDED = "iam:PermissionsBoundary", frozenset({"iam:CreateRole", "iam:PutRolePolicy"})
SERVICE_ROLES = "arn:{partition}:iam::{account}:role/service-role/*"


class Answer(StrEnum):
    """Whether an identity has a permission."""

    ALLOWED = "allowed"
    DENIED = "denied"
    PARTLY = "partly"  # not on all resources, but perhaps on some
    UNKNOWN = "unknown"  # neither a call nor the simulator gave an answer


@dataclass(frozen=True)
class Need:
    """One IAM action, what the console uses it for, and the policy statement that contains it."""

    action: str
    use: str
    sid: str


@dataclass(frozen=True)
class Identity:
    """The identity behind credentials; ``arn`` may be that of a role session."""

    account: str
    arn: str

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")


@dataclass(frozen=True)
class Finding:
    """The result for one need; ``reason`` is a sentence, empty if the action is allowed."""

    need: Need
    answer: Answer
    reason: str = ""


JOBS, ON_DEMAND, INPUT, UPLOADS, LIST_ROLES, PASS, MAKE_ROLES, PICKERS = (
    "Jobs",
    "JobsOnDemand",
    "InputAndOutput",
    "Uploads",
    "UseServiceRoles",
    "PassServiceRoles",
    "MakeServiceRoles",
    "PickersAndLimits",
)
NEEDS = tuple(
    Need(action, use, sid)
    for sid, uses in {
        JOBS: {
            "bedrock:CreateModelInvocationJob": "Submit jobs",
            "bedrock:GetModelInvocationJob": "Read one job",
            "bedrock:ListModelInvocationJobs": "Follow jobs, and list those created elsewhere",
            "bedrock:StopModelInvocationJob": "Stop jobs",
            "bedrock:TagResource": "Tag jobs",
            "bedrock:UntagResource": "Remove tags",
            "bedrock:ListTagsForResource": "Show tags",
            "bedrock:ListFoundationModels": "Offer models",
            "bedrock:ListInferenceProfiles": "Offer inference profiles",
        },
        ON_DEMAND: {"bedrock:InvokeModel": "Run jobs on demand; not needed for batch jobs"},
        INPUT: {
            "s3:ListAllMyBuckets": "Browse buckets",
            "s3:ListBucket": "Browse folders, find input and output",
            "s3:GetObject": "Check input, read results",
            "s3:ListBucketVersions": "List versions of an object",
            "s3:GetObjectVersion": "Read an older version",
        },
        UPLOADS: {
            "s3:CreateBucket": "Create buckets",
            "s3:PutObject": "Upload and make input",
            "s3:DeleteObject": "Delete and rename objects",
            "s3:DeleteObjectVersion": "Delete a single version of an object",
            "s3:AbortMultipartUpload": "Clear up uploads that were given up",
            "s3:ListMultipartUploadParts": "Finish uploads of many parts",
        },
        LIST_ROLES: {"iam:ListRoles": "Offer service roles"},
        PASS: {PASS_ROLE: "Give jobs a service role"},
        MAKE_ROLES: {
            "iam:CreateRole": "Make service roles",
            "iam:PutRolePolicy": "Give a new service role its permissions",
            "iam:DeleteRole": "Remove a service role that was half made",
        },
        PICKERS: {
            "kms:DescribeKey": "Check an encryption key",
            "kms:ListKeys": "Offer encryption keys",
            "kms:ListAliases": "Offer encryption keys by name",
            "ec2:DescribeVpcs": "Offer networks",
            "ec2:DescribeSubnets": "Offer subnets",
            "ec2:DescribeSecurityGroups": "Offer security groups",
            "iam:GetRole": "Know the role behind a session",
            SIMULATE: "Check what a service role may do, and this page",
            "servicequotas:ListServiceQuotas": "Read the account's limits",
            "pricing:GetProducts": "Read prices",
            "sts:GetCallerIdentity": "Know the account",
        },
    }.items()
    for action, use in uses.items()
)
# Actions that are tested by a real call: service, method, and arguments that keep the response small.
READS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bedrock:ListModelInvocationJobs": ("bedrock", "list_model_invocation_jobs", {"maxResults": 1}),
    "bedrock:ListFoundationModels": ("bedrock", "list_foundation_models", {"byOutputModality": "EMBEDDING"}),
    "bedrock:ListInferenceProfiles": ("bedrock", "list_inference_profiles", {"maxResults": 1}),
    "s3:ListAllMyBuckets": ("s3", "list_buckets", {}),
    "iam:ListRoles": ("iam", "list_roles", {"MaxItems": 1}),
    "kms:ListKeys": ("kms", "list_keys", {"Limit": 1}),
    "kms:ListAliases": ("kms", "list_aliases", {"Limit": 1}),
    "ec2:DescribeVpcs": ("ec2", "describe_vpcs", {"MaxResults": 5}),
    "ec2:DescribeSubnets": ("ec2", "describe_subnets", {"MaxResults": 5}),
    "ec2:DescribeSecurityGroups": ("ec2", "describe_security_groups", {"MaxResults": 5}),
    "servicequotas:ListServiceQuotas": (
        "service-quotas",
        "list_service_quotas",
        {"ServiceCode": "bedrock", "MaxResults": 1},
    ),
    "pricing:GetProducts": ("pricing", "get_products", {"ServiceCode": "AmazonBedrock", "MaxResults": 1}),
}


NOT_ASKED = "IAM's simulator could not be asked. The first use will tell."
REASONS = {
    "explicitDeny": (Answer.DENIED, "A policy denies it."),
    "implicitDeny": (Answer.PARTLY, "No policy allows it on everything; one may allow it on some resources."),
}


def caller(target: Target) -> Identity:
    """Return the identity behind the credentials of *target*. Raises :class:`AwsError`. Needs no permission."""
    with translate("GetCallerIdentity"):
        answer = client(target, "sts").get_caller_identity()
    return Identity(account=str(answer["Account"]), arn=str(answer["Arn"]))


def own_access(target: Target, identity: Identity, *, boundary_arn: str = "") -> list[Finding]:
    """Return which of :data:`NEEDS` *identity* may do, in that order. AwsErrors become findings.

    *boundary_arn* is the permissions boundary with which roles are made.
    """
    asked = [partial(_read, target, action) for action in READS]
    answers = at_once([*asked, partial(simulate, target, identity, boundary_arn=boundary_arn)])
    reads = dict(zip(READS, answers[:-1], strict=True))
    simulated = answers[-1]
    return [_finding(need, reads, simulated, identity) for need in NEEDS]


def _read(target: Target, action: str) -> dict[str, str]:
    service, method, arguments = READS[action]
    where = replace(target, region=ENDPOINT_REGION) if service == "pricing" else target
    with translate(action.partition(":")[2], permission=action):
        getattr(client(where, service), method)(**arguments)
    return {}


def simulate(target: Target, identity: Identity, *, boundary_arn: str = "") -> dict[str, str]:
    """Return IAM's decision on each action that is not in :data:`READS`; empty for root. Raises :class:`AwsError`."""
    if identity.is_root:
        return {}
    actions = [need.action for need in NEEDS if need.action not in READS]
    principal = principal_of(target, identity)
    roles = SERVICE_ROLES.format(partition=partition_of(target.region), account=identity.account)
    on_roles = [action for action in actions if action.startswith("iam:") and action not in (SIMULATE, "iam:GetRole")]
    rest = [action for action in actions if action not in (*on_roles, "sts:GetCallerIdentity")]
    bounded = {BOUNDARY: boundary_arn} if boundary_arn else {}
    return _decisions(target, principal, rest, "*") | _decisions(target, principal, on_roles, roles, **bounded)


def principal_of(target: Target, identity: Identity) -> str:
    """Return the ARN of the user or role whose policies apply; for a session, its role, with path if IAM returns it."""
    if ":assumed-role/" not in identity.arn:
        return identity.arn
    name = identity.arn.split("/")[1]
    try:
        with translate("GetRole", permission="iam:GetRole"):
            return str(client(target, "iam").get_role(RoleName=name)["Role"]["Arn"])
    except AwsError:
        return f"arn:{partition_of(target.region)}:iam::{identity.account}:role/{name}"


def _decisions(target: Target, principal: str, actions: list[str], resource: str, **context: str) -> dict[str, str]:
    known = {"iam:PassedToService": SERVICE} | context
    entries = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in known.items()
    ]
    with translate("SimulatePrincipalPolicy", permission=SIMULATE, subject=principal):
        pages = client(target, "iam").get_paginator("simulate_principal_policy")
        found = pages.paginate(
            PolicySourceArn=principal, ActionNames=actions, ResourceArns=[resource], ContextEntries=entries
        )
        return {item["EvalActionName"]: item["EvalDecision"] for page in found for item in page["EvaluationResults"]}


def _finding(need: Need, reads: dict[str, Any], simulated: Any, identity: Identity) -> Finding:
    if need.action == "sts:GetCallerIdentity" or (identity.is_root and need.action not in READS):
        return Finding(need, Answer.ALLOWED)
    if need.action in READS:
        return _of_error(need, reads[need.action])
    if isinstance(simulated, AwsError):
        return _of_error(need, simulated) if need.action == SIMULATE else Finding(need, Answer.UNKNOWN, NOT_ASKED)
    if need.action == SIMULATE:
        return Finding(need, Answer.ALLOWED)
    return _of_decision(need, simulated.get(need.action, ""))


def _of_decision(need: Need, decision: str) -> Finding:
    if decision == "allowed":
        return Finding(need, Answer.ALLOWED)
    return Finding(need, *REASONS.get(decision, (Answer.UNKNOWN, NOT_ASKED)))


def _of_error(need: Need, error: Any) -> Finding:
    if not isinstance(error, AwsError):
        return Finding(need, Answer.ALLOWED)
    answer = Answer.DENIED if error.code in DENIED_CODES else Answer.UNKNOWN
    return Finding(need, answer, f"{error.code}: {error.message}")


def console_policy(
    needs: Iterable[Need], *, region: str = "us-east-1", account: str = "*", boundary_arn: str = ""
) -> dict[str, Any]:
    """Return a policy that grants *needs*, with one statement per part of the documentation.

    Passing and creating roles is limited to the path ``/service-role/``; with *boundary_arn*, only roles with that
    permissions boundary are made and get a policy.
    """
    by_sid: dict[str, list[str]] = {}
    for need in needs:
        is_bounded = boundary_arn and need.action in BOUNDED
        by_sid.setdefault(f"{need.sid}{'Bounded' if is_bounded else ''}", []).append(need.action)
    roles = SERVICE_ROLES.format(partition=partition_of(region), account=account)
    conditions = {PASS: {"iam:PassedToService": SERVICE}, f"{MAKE_ROLES}Bounded": {BOUNDARY: boundary_arn}}
    statements = []
    for sid, actions in by_sid.items():
        resource = roles if sid.startswith((PASS, MAKE_ROLES)) else "*"
        statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
        if sid in conditions:
            statement["Condition"] = {"StringEquals": conditions[sid]}
        statements.append(statement)
    return document(statements)
