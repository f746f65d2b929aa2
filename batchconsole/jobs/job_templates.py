"""Save, change, rename and delete job templates. Each is recorded in the audit trail with the values."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Event, JobTemplate, Right, Verb
from batchconsole.jobs.models.job_template import LONGEST_NAME
from batchconsole.jobs.rights.access import require, require_on_job

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
        _refuse_taken(others, name)
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
    template: JobTemplate,
    actor: Actor,
    *,
    request: JobRequest,
    check_input: bool,
    version: int,
    name: str | None = None,
) -> None:
    """Replace the values of *template*, of which the person saw *version*, and its name if *name* is given.

    Raises NotAllowed, and :class:`UserError` if it has been changed or deleted since, or the name is unusable or taken.
    """
    _change(
        template,
        actor,
        version,
        name=template.name if name is None else name,
        values=_values(request),
        check=check_input,
    )


def rename_template(template: JobTemplate, actor: Actor, name: str) -> None:
    """Give *template*, as it was read, another name.

    Raises NotAllowed, and :class:`UserError` if it has been changed or deleted since, or the name is unusable or taken.
    """
    _change(template, actor, template.version, name=name, values=template.values, check=template.check_input)


def _change(
    template: JobTemplate, actor: Actor, version: int, *, name: str, values: dict[str, Any], check: bool
) -> None:
    require_on_job(actor, template)
    name = _usable(name)
    new = {"name": name, "values": values, "check_input": check}
    with transaction.atomic():
        Connection.objects.lock(template.connection_id)
        _refuse_taken(JobTemplate.objects.filter(connection=template.connection_id).exclude(pk=template.pk), name)
        seen = JobTemplate.objects.filter(pk=template.pk, version=version)
        if not seen.update(**new, changed_by=actor, changed_at=timezone.now(), version=version + 1):
            raise UserError(
                f"The template {template} was changed or deleted after you opened it.",
                "name",
                "Save yours under another name, or open the template again.",
            )
        before, after = {"name": template.name, **template.values}, {"name": name, **values}
        differing = {each for each in {*before, *after} if before.get(each) != after.get(each)}
        changes = [{each: side.get(each, "") for each in differing} for side in (before, after)]
        _record(template, Verb.TEMPLATE_CHANGED, actor, before=changes[0], after=changes[1])
    template.refresh_from_db()


def _refuse_taken(others: QuerySet[JobTemplate], name: str) -> None:
    if others.filter(name=name).exists():
        raise UserError(f"There is a template {name} already.", "name", "Enter another name, or edit that template.")


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
