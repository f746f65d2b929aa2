"""The roles that Amazon Bedrock assumes for jobs: list them, check their permissions, and create a new one."""

from typing import Any

from batchconsole.aws import iam
from batchconsole.aws.iam import ServiceRole
from batchconsole.aws.job_request import JobRequest
from batchconsole.aws.policies import is_inference_profile
from batchconsole.aws.role_access import Access, role_access
from batchconsole.jobs.account import account_id
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import Actor, Connection, Event, Right, Verb
from batchconsole.jobs.rights.access import require, require_places
from batchconsole.jobs.s3.input_places import require_input

__all__ = [
    "Access",
    "ServiceRole",
    "create_service_role",
    "is_inference_profile",
    "list_service_roles",
    "new_role_documents",
    "service_role_access",
]

Document = dict[str, Any]


def list_service_roles(connection: Connection, actor: Actor) -> list[ServiceRole]:
    """Return the roles of the account that Bedrock may assume and that the connection allows, by name.

    Raises NotAllowed and AwsError.
    """
    require(actor, Right.SUBMIT, connection)
    allowed = connection.service_roles
    return [role for role in iam.list_service_roles(connection.target) if not allowed or role.arn in allowed]


def service_role_access(connection: Connection, actor: Actor, *, request: JobRequest) -> list[Access]:
    """Return what the role of *request* may do at the job's two locations. Raises NotAllowed and AwsError."""
    require(actor, Right.SUBMIT, connection)
    return role_access(connection.target, request, account_id=account_id(connection))


def new_role_documents(connection: Connection, actor: Actor, *, request: JobRequest) -> tuple[Document, Document]:
    """Return the trust policy and the permissions of the role that :func:`create_service_role` would create.

    Raises NotAllowed and AwsError.
    """
    require(actor, Right.SUBMIT, connection)
    return iam.new_role_documents(connection.target, request, account_id=account_id(connection))


def create_service_role(connection: Connection, actor: Actor, *, role_name: str, request: JobRequest) -> str:
    """Create a least-privilege service role for a job of *request* and return its ARN.

    Raises NotAllowed and AwsError.
    """
    require(actor, Right.ROLES, connection)
    require_input(connection, request.input_s3_uri)
    require_places(connection, output=request.output_s3_uri)
    _require_new(connection)
    account = account_id(connection)
    boundary_arn = connection.role_boundary_arn
    arn = iam.create_service_role(
        connection.target, request, role_name=role_name, account_id=account, boundary_arn=boundary_arn
    )
    Event.objects.create(connection=connection, actor=actor, verb=Verb.ROLE_CREATED, data={"role_arn": arn})
    return arn


def _require_new(connection: Connection) -> None:
    """Raise NotAllowed if the connection has a list of service roles, because a new role would not be on it."""
    if connection.service_roles:
        raise NotAllowed(
            f"{connection} allows only the service roles of its list, so a new one could not be used.",
            f"Choose one of {', '.join(connection.service_roles)}.",
            field="service_role",
        )
