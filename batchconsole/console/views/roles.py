"""Service roles: what one may do on the chosen locations, and the documents of one before it is made."""

import json
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.aws import iam
from batchconsole.aws.errors import AwsError
from batchconsole.console.forms.job import JobForm
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.role_checks import LOCATIONS, check_access, missing_of
from batchconsole.jobs.lifecycle import account_id, role_scope

NEEDED = ("model_id", *LOCATIONS)


@dataclass(frozen=True)
class RolePolicy:
    """The two documents as text, or what is missing to write them."""

    trust: str = ""
    permissions: str = ""
    missing: tuple[str, ...] = ()
    error: AwsError | None = None


@require_POST
def access(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Whether the role the form holds now may read and write what the form holds now.

    With ``quiet`` nobody has asked: what is missing to answer is not said, nor why there is no answer.
    """
    form = JobForm(request.POST, connection=request.connection)
    context = {"access": check_access(form), "is_quiet": "quiet" in request.GET}
    return render(request, "console/_role_access_answer.html", context)


@require_POST
def policy(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The documents for what the form holds now."""
    form = JobForm(request.POST, connection=request.connection)
    return render(request, "console/_role_policy_documents.html", {"policy": role_policy(form)})


def role_policy(form: JobForm) -> RolePolicy:
    """The documents of the role that *form* would make; only the fields they depend on need be right."""
    form.full_clean()
    values = form.cleaned_data
    missing = missing_of(form, NEEDED)
    if missing:
        return RolePolicy(missing=missing)
    try:
        account = account_id(form.connection)
        trust, permissions = iam.new_role_documents(form.connection.target, role_scope(values), account_id=account)
    except AwsError as error:
        return RolePolicy(error=error)
    return RolePolicy(json.dumps(trust, indent=2), json.dumps(permissions, indent=2))
