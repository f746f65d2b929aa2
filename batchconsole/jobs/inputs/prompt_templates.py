"""Saving, archiving and deleting prompt templates. Whoever may submit on a connection shares its templates."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Actor, Connection, Event, PromptTemplate, PromptTemplateVersion, Right, Verb
from batchconsole.jobs.models.prompt_template import NAME_CHARACTERS, Content
from batchconsole.jobs.rights.access import require

MOST_TEMPLATES = 200  # of a connection
MOST_VERSIONS = 200  # of a template


def offered_versions(connection: Connection) -> QuerySet[PromptTemplateVersion]:
    """The versions of the templates that are not archived, by name, the newest version first."""
    offered = PromptTemplateVersion.objects.filter(template__connection=connection, template__archived_at=None)
    return offered.select_related("template").order_by("template__name", "-number")


def find_version(connection: Connection, key: str) -> PromptTemplateVersion | None:
    """Return the version with the id *key*, archived or not; None if the connection has none."""
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    versions = PromptTemplateVersion.objects.select_related("template__connection")
    return versions.filter(template__connection=connection, pk=int(key)).first()


def save_version(connection: Connection, actor: Actor, *, name: str, content: Content) -> PromptTemplateVersion:
    """Save *content* as the newest version of the template *name*, which is created if it is new.

    If the newest version says the same, it is returned and nothing is saved. An archived template is restored.

    Raises
    ------
    UserError
        The name is blank or too long, or there are too many templates or versions. NotAllowed without ``submit``.
    """
    require(actor, Right.SUBMIT, connection)
    name = _checked_name(name)
    with transaction.atomic():
        template = _template(connection, name)
        newest = template.versions.first()
        if newest and newest.content == content and template.archived_at is None:
            return newest
        number = newest.number + 1 if newest else 1
        if number > MOST_VERSIONS:
            hint = "Save it under another name."
            raise UserError(f"{name} has {MOST_VERSIONS} versions already.", "save_as", hint=hint)
        PromptTemplate.objects.filter(pk=template.pk).update(archived_at=None)
        made = PromptTemplateVersion.objects.create(
            template=template, number=number, content_json=content.as_json, created_by=actor
        )
        _record(Verb.PROMPT_SAVED, template, actor, version=number)
    return made


def _checked_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise UserError("Enter a name for the template.", "save_as")
    if len(name) > NAME_CHARACTERS:
        raise UserError(f"The name has {len(name)} characters; at most {NAME_CHARACTERS} are kept.", "save_as")
    return name


def _template(connection: Connection, name: str) -> PromptTemplate:
    """Return the template *name*, locked until its new version is saved."""
    kept = PromptTemplate.objects.filter(connection=connection)
    if not kept.filter(name=name).exists():
        if kept.count() >= MOST_TEMPLATES:
            hint = "Delete one that is archived."
            raise UserError(f"{connection} has {MOST_TEMPLATES} templates already.", "save_as", hint=hint)
        PromptTemplate.objects.get_or_create(connection=connection, name=name)
    return kept.select_for_update().get(name=name)


def archive_template(template: PromptTemplate, actor: Actor) -> None:
    """Offer *template* no longer. Raises NotAllowed without ``submit``."""
    _set_archived(template, actor, is_archived=True)


def restore_template(template: PromptTemplate, actor: Actor) -> None:
    """Offer *template* again. Raises NotAllowed without ``submit``."""
    _set_archived(template, actor, is_archived=False)


def _set_archived(template: PromptTemplate, actor: Actor, *, is_archived: bool) -> None:
    require(actor, Right.SUBMIT, template.connection)
    with transaction.atomic():
        rows = PromptTemplate.objects.filter(pk=template.pk, archived_at__isnull=is_archived)
        if rows.update(archived_at=timezone.now() if is_archived else None):
            _record(Verb.PROMPT_ARCHIVED if is_archived else Verb.PROMPT_RESTORED, template, actor)


def delete_template(template: PromptTemplate, actor: Actor) -> None:
    """Delete *template* and all its versions. Raises NotAllowed without ``operate``, UserError if it is offered."""
    require(actor, Right.OPERATE, template.connection)
    with transaction.atomic():
        archived = PromptTemplate.objects.select_for_update().filter(pk=template.pk, archived_at__isnull=False)
        if not archived:
            raise UserError("The template is still offered.", hint="Archive it first.")
        _record(Verb.PROMPT_DELETED, template, actor, versions=template.versions.count())
        archived.delete()


def _record(verb: Verb, template: PromptTemplate, actor: Actor, **data: int) -> None:
    Event.objects.create(
        connection=template.connection, actor=actor, verb=verb, target=template.name, data={"id": template.pk} | data
    )
