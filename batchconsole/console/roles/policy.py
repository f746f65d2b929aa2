"""The two documents of a service role, before it is made."""

import json
from dataclasses import dataclass

from batchconsole.aws import iam
from batchconsole.aws.errors import AwsError
from batchconsole.aws.job_request import JobRequest
from batchconsole.console.kit.page_form import PageForm
from batchconsole.console.roles.access import LOCATIONS, missing_of
from batchconsole.jobs.lifecycle import account_id
from batchconsole.jobs.models import Connection

NEEDED = ("model_id", *LOCATIONS)


@dataclass(frozen=True)
class RolePolicy:
    """The two documents as text, or what is missing to write them."""

    trust: str = ""
    permissions: str = ""
    missing: tuple[str, ...] = ()
    error: AwsError | None = None


def role_policy(form: PageForm, connection: Connection) -> RolePolicy:
    """The documents of the role that *form* would make; only the fields they depend on need be right."""
    form.full_clean()
    missing = missing_of(form, NEEDED)
    if missing:
        return RolePolicy(missing=missing)
    try:
        account = account_id(connection)
        asked = JobRequest.from_fields(form.cleaned_data)
        trust, permissions = iam.new_role_documents(connection.target, asked, account_id=account)
    except AwsError as error:
        return RolePolicy(error=error)
    return RolePolicy(json.dumps(trust, indent=2), json.dumps(permissions, indent=2))
