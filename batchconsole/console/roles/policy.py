"""The two documents of a service role, before it is made."""

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
    """The two documents as text, or what is missing to write them."""

    trust: str = ""
    permissions: str = ""
    missing: tuple[str, ...] = ()
    error: AwsError | UserError | None = None


def role_policy(form: PageForm, connection: Connection, actor: Actor) -> RolePolicy:
    """The documents of the role that *form* would make; only the fields they depend on need be right."""
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
