"""Save, change and delete job templates. Each is recorded in the audit trail with the values."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.access import require, require_on_job
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Event, JobTemplate, Right, Verb
from batchconsole.jobs.models.job_template import LONGEST_NAME

MOST_TEMPLATES = 200  # on one connection: all of them are offered in one list


def save_template(
    connection: Connection, actor: Actor, name: str, *, request: JobRequest, check_input: bool
) -> JobTemplate:
    """Save a new template. Raises NotAllowed, and :class:`UserError` if the name is unusable or taken."""
    require(actor, Right.SUBMIT, connection)
    name = _usable(name)
    with transaction.atomic():
        Connection.objects.lock(connection.pk)
        others = JobTemplate.objects.filter(connection=connection)
        if others.filter(name=name).exists():
            raise UserError(
                f"There is a template {name} already.", "name", "Enter another name, or edit that template."
            )
        if others.count() >= MOST_TEMPLATES:
            raise UserError(f"{connection} has {MOST_TEMPLATES} templates already.", "name", "Delete some.")
        template = JobTemplate.objects.create(
            connection=connection,
            name=name,
            values=_values(request),
            check_input=check_input,
            created_by=actor,
            changed_by=actor,
        )
        _record(template, Verb.TEMPLATE_SAVED, actor, after=template.values)
    return template


def change_template(
    template: JobTemplate, actor: Actor, *, request: JobRequest, check_input: bool, version: int
) -> None:
    """Replace the values of *template*, of which the person saw *version*.

    Raises NotAllowed, and :class:`UserError` if it has been changed or deleted since.
    """
    require_on_job(actor, template)
    values, now = _values(request), timezone.now()
    with transaction.atomic():
        seen = JobTemplate.objects.filter(pk=template.pk, version=version)
        if not seen.update(
            values=values, check_input=check_input, changed_by=actor, changed_at=now, version=version + 1
        ):
            raise UserError(
                f"The template {template} was changed or deleted after you opened it.",
                "name",
                "Save yours under another name, or open the template again.",
            )
        differing = {name for name in {*template.values, *values} if template.values.get(name) != values.get(name)}
        before, after = ({name: each.get(name, "") for name in differing} for each in (template.values, values))
        _record(template, Verb.TEMPLATE_CHANGED, actor, before=before, after=after)
    template.refresh_from_db()


def delete_template(template: JobTemplate, actor: Actor) -> None:
    """Delete *template*; jobs that were created with it stay. Raises NotAllowed."""
    require_on_job(actor, template)
    with transaction.atomic():
        if JobTemplate.objects.filter(pk=template.pk).delete()[0]:
            _record(template, Verb.TEMPLATE_DELETED, actor, before=template.values)


def _usable(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise UserError("The template needs a name.", "name", "Enter one of letters, digits and spaces.")
    if len(name) > LONGEST_NAME:
        raise UserError(f"The name has {len(name)} characters.", "name", f"Use at most {LONGEST_NAME}.")
    return name


def _values(request: JobRequest) -> dict[str, Any]:
    fields = replace(request, client_request_token="").as_fields()
    return {name: value for name, value in fields.items() if value}


def _record(template: JobTemplate, verb: Verb, actor: Actor, **changes: dict[str, Any]) -> None:
    Event.objects.create(connection=template.connection, actor=actor, verb=verb, target=template.name, **changes)
