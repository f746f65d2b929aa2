"""What a service role may do on a job's input and output, according to IAM's simulator, before the job is submitted."""

from dataclasses import dataclass
from functools import partial

from batchconsole.aws.errors import translate
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.patience import all_of
from batchconsole.aws.policies import partition_of
from batchconsole.aws.s3_addresses import parse_s3_uri
from batchconsole.aws.session import Target, client

ALLOWED = "allowed"
# Represents any object that a job reads or writes in a folder, because the simulator needs a full name.
ANY_NAME = "batch-inference-check.jsonl"


@dataclass(frozen=True, kw_only=True)
class Access:
    """One action on one resource; ``decision`` is IAM's ``allowed``, ``explicitDeny`` or ``implicitDeny``."""

    action: str
    resource: str
    decision: str

    @property
    def is_allowed(self) -> bool:
        return self.decision == ALLOWED

    @property
    def place(self) -> str:
        """Return the resource as a policy would name it, with ``*`` in place of the sample object in a folder."""
        return self.resource.replace(ANY_NAME, "*")

    @property
    def is_forbidden(self) -> bool:
        """Whether a policy denies it explicitly; if neither allowed nor forbidden, no policy allows it."""
        return self.decision == "explicitDeny"


def role_access(target: Target, request: JobRequest, *, account_id: str) -> list[Access]:
    """Return what the role of *request* may do on its input and output location, with one call per resource.

    If the request names no owner for a bucket, it is taken to belong to *account_id*, for policies with the condition
    ``aws:ResourceAccount``. Only the role's policies are simulated: bucket policies and key policies may still deny
    access, and those of another account have to allow it.
    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.

    Raises
    ------
    AwsError
        ``NoSuchEntity`` (no such role), ``AccessDenied`` (``iam:SimulatePrincipalPolicy``), or AWS could not be
        reached.
    """
    partition = partition_of(target.region)
    source, sink = request.input_s3_uri, request.output_s3_uri
    source_owner, sink_owner = request.input_bucket_owner or account_id, request.output_bucket_owner or account_id
    wanted = [
        (["s3:ListBucket"], _bucket(partition, source), source_owner),
        (["s3:GetObject"], _object(partition, source), source_owner),
        (["s3:ListBucket"], _bucket(partition, sink), sink_owner),
        (["s3:PutObject"], _object(partition, f"{sink.rstrip('/')}/"), sink_owner),
    ]
    distinct = {(tuple(actions), resource): owner for actions, resource, owner in wanted}
    asked = [
        partial(_simulate, target, request.role_arn, list(actions), resource, owner)
        for (actions, resource), owner in distinct.items()
    ]
    return [access for answers in all_of(asked) for access in answers]


def _simulate(target: Target, role_arn: str, actions: list[str], resource: str, owner: str) -> list[Access]:
    context = {"ContextKeyName": "aws:ResourceAccount", "ContextKeyValues": [owner], "ContextKeyType": "string"}
    with translate("SimulatePrincipalPolicy", permission="iam:SimulatePrincipalPolicy", subject=role_arn):
        answer = client(target, "iam").simulate_principal_policy(
            PolicySourceArn=role_arn, ActionNames=actions, ResourceArns=[resource], ContextEntries=[context]
        )
    return [
        Access(action=item["EvalActionName"], resource=resource, decision=item["EvalDecision"])
        for item in answer["EvaluationResults"]
    ]


def _bucket(partition: str, uri: str) -> str:
    return f"arn:{partition}:s3:::{parse_s3_uri(uri)[0]}"


def _object(partition: str, uri: str) -> str:
    """Return the ARN of the file that *uri* names, or of a sample file in the folder that it names."""
    bucket, key = parse_s3_uri(uri)
    if not key.endswith(".jsonl"):
        key = f"{key.rstrip('/')}/{ANY_NAME}".lstrip("/")
    return f"arn:{partition}:s3:::{bucket}/{key}"
