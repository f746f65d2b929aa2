"""The trust and permissions policies of a new service role."""

import json
from dataclasses import dataclass

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.page_form import PageForm
from batchconsole.console.roles.access import LOCATIONS, missing_of
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, JobRequest
from batchconsole.jobs.service_roles import new_role_documents

NEEDED = ("model_id", *LOCATIONS)


@dataclass(frozen=True)
class RolePolicy:
    """Both policy documents as text, or the fields that are missing."""

    trust: str = ""
    permissions: str = ""
    missing: tuple[str, ...] = ()
    error: AwsError | UserError | None = None


def role_policy(form: PageForm, connection: Connection, actor: Actor) -> RolePolicy:
    """Return the policy documents for the role of *form*; only the fields they depend on must be valid."""
    form.full_clean()
    missing = missing_of(form, NEEDED)
    if missing:
        return RolePolicy(missing=missing)
    try:
        request = JobRequest.from_fields(form.cleaned_data)
        trust, permissions = new_role_documents(connection, actor, request=request)
    except (AwsError, UserError) as error:
        return RolePolicy(error=error)
    return RolePolicy(json.dumps(trust, indent=2), json.dumps(permissions, indent=2))
