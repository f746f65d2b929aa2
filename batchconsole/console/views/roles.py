"""Service roles: what one may do on the chosen locations, and the documents of one before it is made."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.aws import iam
from batchconsole.aws.errors import AwsError
from batchconsole.aws.role_access import Access, role_access
from batchconsole.console.forms.job import JobForm
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.jobs.lifecycle import account_id

LOCATIONS = ("input_s3_uri", "output_s3_uri")
NEEDED = ("model_id", *LOCATIONS)


@dataclass(frozen=True)
class RolePolicy:
    """The two documents as text, or what is missing to write them."""

    trust: str = ""
    permissions: str = ""
    missing: tuple[str, ...] = ()
    error: AwsError | None = None


@dataclass(frozen=True)
class RoleAccess:
    """What IAM says of a role, or what is missing to ask."""

    answers: tuple[Access, ...] = ()
    missing: tuple[str, ...] = ()
    error: AwsError | None = None

    @property
    def refused(self) -> list[Access]:
        return [answer for answer in self.answers if not answer.is_allowed]


@require_POST
def access(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Whether the role the form holds now may read and write what the form holds now."""
    form = JobForm(request.POST, connection=request.connection)
    return render(request, "console/_role_access_answer.html", {"access": check_access(form)})


def check_access(form: JobForm) -> RoleAccess:
    """Ask IAM; only the role and the two locations need be right."""
    form.full_clean()
    values = form.cleaned_data
    missing = _missing(form, ("role_arn", *LOCATIONS))
    if missing:
        return RoleAccess(missing=missing)
    try:
        account = account_id(form.connection)
        owners = (values.get("input_bucket_owner") or account, values.get("output_bucket_owner") or account)
        uris = {name: values[name] for name in LOCATIONS}
        answers = role_access(form.connection.target, role_arn=values["role_arn"], owners=owners, **uris)
    except AwsError as error:
        return RoleAccess(error=error)
    return RoleAccess(tuple(answers))


def _missing(form: JobForm, names: tuple[str, ...]) -> tuple[str, ...]:
    """What people call those of the fields that hold nothing valid."""
    labels = form.error_labels
    return tuple(labels.get(name, str(form.fields[name].label)) for name in names if not form.cleaned_data.get(name))


@require_POST
def policy(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The documents for what the form holds now."""
    form = JobForm(request.POST, connection=request.connection)
    return render(request, "console/_role_policy_documents.html", {"policy": role_policy(form)})


def role_policy(form: JobForm) -> RolePolicy:
    """The documents of the role that *form* would make; only the fields they depend on need be right."""
    form.full_clean()
    values = form.cleaned_data
    missing = _missing(form, NEEDED)
    if missing:
        return RolePolicy(missing=missing)
    try:
        account = account_id(form.connection)
        trust, permissions = iam.new_role_documents(form.connection.target, **_request(values), account_id=account)
    except AwsError as error:
        return RolePolicy(error=error)
    return RolePolicy(json.dumps(trust, indent=2), json.dumps(permissions, indent=2))


def _request(values: dict[str, Any]) -> dict[str, Any]:
    """What a role depends on, in the words of ``aws.iam``."""
    owners = (values.get("input_bucket_owner", ""), values.get("output_bucket_owner", ""))
    return {
        "input_s3_uri": values["input_s3_uri"],
        "output_s3_uri": values["output_s3_uri"],
        "model_id": values["model_id"],
        "kms_key_id": values.get("output_kms_key_id", ""),
        "bucket_owners": tuple(owner for owner in owners if owner),
    }
