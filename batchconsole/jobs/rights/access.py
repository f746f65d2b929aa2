"""Rights of users, as in ``user.has_perm(Right.SUBMIT, connection)``, and the checks that verbs make before they act.

A right is denied unless it is granted. A superuser has every right. Rights are read once per user object, which lives
for one request or one step of a worker, so a change takes effect from the next request or step on.
"""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from typing import TypeGuard

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from batchconsole import log_context
from batchconsole.jobs import origin
from batchconsole.jobs.errors import NotAllowed
from batchconsole.jobs.models import (
    Actor,
    ApiKey,
    BatchJob,
    BulkAction,
    Comparison,
    Connection,
    Event,
    Grant,
    JobNote,
    JobTemplate,
    OpenAIBatch,
    OpenAIFile,
    Right,
    Role,
    Schedule,
    base_model_id,
)
from batchconsole.jobs.models.access import SHIPPED_ROLES
from batchconsole.jobs.models.work import Work
from batchconsole.records import catalogue

Rights = frozenset[str]
# Rows that one person created.
Owned = BatchJob | BulkAction | Comparison | JobNote | JobTemplate | OpenAIBatch | OpenAIFile | Schedule | Work
ALL = None  # the key of rights granted on all connections
FEW = 3  # how many administrators a refusal names


# The rights that remain on a disabled connection: to read it, and to enable it again.
LEFT_WHEN_DISABLED = frozenset({Right.VIEW, Right.READ, Right.ADMINISTER})


class RightsBackend(BaseBackend):
    """Answer ``user.has_perm(right, connection)``; without a connection, whether the right is held on all of them."""

    def has_perm(self, user_obj: AbstractBaseUser | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        if perm not in Right.values or not is_active_user(user_obj):
            return False
        return perm in rights_on(user_obj, obj if isinstance(obj, Connection) else None)


def is_active_user(user: AbstractBaseUser | AnonymousUser) -> TypeGuard[User]:
    return isinstance(user, User) and user.is_active


def limit_to_key(user: User, key: ApiKey) -> None:
    """Limit *user*, which stands for a program that signed in with *key*, to the rights of the key from here on."""
    origin.note_key(key.key_id)
    log_context.note(person=user.get_username())
    user._api_key = key  # type: ignore[attr-defined] # as _granted_rights below


def rights_on(user: User, connection: Connection | None) -> Rights:
    """Return the rights of *user* on *connection*, or the rights on all connections if it is None."""
    key: ApiKey | None = getattr(user, "_api_key", None)
    rights = _rights_of_person(user, connection)
    if connection is not None and not connection.is_enabled:
        rights &= LEFT_WHEN_DISABLED
    return rights if key is None else rights & _rights_of_key(key, connection)


def _rights_of_key(key: ApiKey, connection: Connection | None) -> Rights:
    only = key.connection_ids
    if not key.is_usable or (only and (connection is None or connection.pk not in only)):
        return frozenset()
    return frozenset(key.rights)


def _rights_of_person(user: User, connection: Connection | None) -> Rights:
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Right.values)
    granted = _granted(user)
    on_all = granted.get(ALL, frozenset())
    return on_all if connection is None else on_all | granted.get(connection.pk, frozenset())


def _granted(user: User) -> dict[int | None, Rights]:
    """Return the rights granted to *user* and its groups, by connection id."""
    known: dict[int | None, Rights] | None = getattr(user, "_granted_rights", None)
    if known is None:
        known = {}
        for connection_id, rights in _grants_of(user).values_list("connection_id", "role__rights"):
            known[connection_id] = known.get(connection_id, frozenset()) | frozenset(rights)
        user._granted_rights = known  # type: ignore[attr-defined] # as ModelBackend keeps its permissions
    return known


def _grants_of(user: User) -> QuerySet[Grant]:
    return Grant.objects.filter(Q(user=user) | Q(group__user=user)).distinct()


def connections_with(user: User, right: Right = Right.VIEW) -> QuerySet[Connection]:
    """The enabled connections on which *user* has *right*."""
    enabled = Connection.objects.enabled()
    if right in rights_on(user, None):
        return enabled
    return enabled.filter(pk__in=[each.pk for each in enabled if right in rights_on(user, each)])


def events_for(user: User) -> QuerySet[Event]:
    """Events on the connections that *user* may view, and the user's own events without a connection."""
    if user.is_superuser:
        return Event.objects.all()
    return Event.objects.filter(Q(connection__in=viewable(user)) | Q(connection=None, actor=user))


def viewable(user: User) -> QuerySet[Connection]:
    """The connections that *user* may view, including disabled ones, whose history stays visible."""
    return _all_with(user, Right.VIEW)


def administrable(user: User) -> QuerySet[Connection]:
    """The connections that *user* may administer, including disabled ones."""
    return _all_with(user, Right.ADMINISTER)


def _all_with(user: User, right: Right) -> QuerySet[Connection]:
    every: QuerySet[Connection] = Connection.objects.all()
    if right in rights_on(user, None):
        return every
    return every.filter(pk__in=[each.pk for each in every if right in rights_on(user, each)])


def grants_of(user: User) -> QuerySet[Grant]:
    """The grants that give *user* rights: its own and those of its groups."""
    return _grants_of(user).select_related("role", "group", "connection")


def people_on(connections: QuerySet[Connection] | list[Connection]) -> QuerySet[User]:
    """The users who have a role on any of *connections* or have done something there, ordered by username."""
    granted = Grant.objects.filter(Q(connection__in=connections) | Q(connection=None))
    did = Event.objects.filter(actor=OuterRef("pk"), connection__in=connections)
    made = BatchJob.objects.filter(created_by=OuterRef("pk"), connection__in=connections)
    return (
        User.objects.filter(
            Q(pk__in=granted.filter(user__isnull=False).values("user"))
            | Q(groups__in=granted.filter(group__isnull=False).values("group"))
            | Exists(did)
            | Exists(made)
        )
        .distinct()
        .order_by("username")
    )


def require(actor: Actor, right: Right, connection: Connection) -> None:
    """Raise NotAllowed unless *actor* has *right* on *connection*."""
    if actor is not None and right not in rights_on(actor, connection):
        raise NotAllowed(*_refusal(right, connection))


def require_any(actor: Actor, rights: Collection[Right], connection: Connection) -> None:
    """Raise NotAllowed unless *actor* has one of *rights* on *connection*; the error names the first right."""
    if actor is not None and rights_on(actor, connection).isdisjoint(rights):
        raise NotAllowed(*_refusal(next(iter(rights)), connection))


def require_on_job(actor: Actor, job: Owned) -> None:
    """Raise NotAllowed unless *actor* may act on *job*, which may also be a bulk action, note, template or work.

    Acting on one's own job needs the right ``submit``, on another person's job ``operate``.
    """
    require(actor, right_on_job(actor, job), job.connection)


def right_on_job(actor: Actor, job: Owned) -> Right:
    """Return the right that *actor* needs to act on *job*; with ``operate``, an actor may act on every job."""
    if actor is None or job.created_by_id != actor.pk or Right.OPERATE in rights_on(actor, job.connection):
        return Right.OPERATE
    return Right.SUBMIT


def may_act_on(user: User, job: Owned) -> bool:
    """Whether *user* may stop, tag, resend or release *job*."""
    return right_on_job(user, job) in rights_on(user, job.connection)


def _refusal(right: Right, connection: Connection) -> tuple[str, str]:
    """Return the message, which names the missing right, and the hint, which names people who can grant it."""
    return refusal(right, connection), who_grants(connection)


def refusal(right: Right, connection: Connection) -> str:
    """Return a sentence that names the missing right, or says that the connection is disabled."""
    if not connection.is_enabled and right not in LEFT_WHEN_DISABLED:
        return f"{connection} is disabled: its pages can be read, and nothing can be done there."
    roles = ", ".join(name for name, rights in _roles_with(right))
    return f"You need the right “{right}” on {connection}. These roles have it: {roles}."


def who_grants(connection: Connection | None) -> str:
    """Return a sentence that names people to ask: administrators of *connection*, or of all connections if None."""
    names = administrators(connection)
    return f"Ask {', '.join(names)} for it." if names else "Ask an administrator for it."


def _roles_with(right: Right) -> list[tuple[str, Collection[str]]]:
    return [(name, rights) for name, rights in Role.objects.values_list("name", "rights") if right in rights]


def administrators(connection: Connection | None) -> list[str]:
    """The names of a few people who may grant rights on *connection*, or on all connections if it is None."""
    roles = [role.pk for role in Role.objects.all() if Right.ADMINISTER in role.rights]
    here = Q(role__in=roles) & (Q(connection=connection) | Q(connection=None))
    grants = Grant.objects.filter(here)
    may = (
        Q(is_superuser=True)
        | Q(pk__in=grants.filter(user__isnull=False).values("user"))
        | Q(groups__in=grants.filter(group__isnull=False).values("group"))
    )
    people = User.objects.filter(may, is_active=True).distinct().order_by("-is_superuser", "username")
    return [user.get_full_name() or user.username for user in people[:FEW]]


def require_places(connection: Connection, **uris: str) -> None:
    """Raise NotAllowed unless the connection allows the location of each S3 URI.

    The keywords are ``input``, ``output``, ``read`` and ``upload``; an empty URI is not checked.
    """
    for kind, uri in uris.items():
        allowed = connection.prefixes(kind)
        if uri and allowed and not lies_in(uri, allowed):
            raise NotAllowed(
                f"{connection} allows {kind} only in {', '.join(allowed)}.",
                "Choose a location there, or ask an administrator of the connection to allow another.",
                field=f"{kind}_s3_uri",
            )


def require_service_role(connection: Connection, role_arn: str) -> None:
    """Raise NotAllowed unless the connection allows jobs to use the service role *role_arn*."""
    if role_arn and connection.service_roles and role_arn not in connection.service_roles:
        raise NotAllowed(
            f"{connection} does not allow the service role {role_arn}.",
            f"Choose one of {', '.join(connection.service_roles)}.",
            field="role_arn",
        )


def require_model(connection: Connection, model_id: str) -> None:
    """Raise NotAllowed unless the connection allows *model_id*, which is a model id, a profile id or an ARN."""
    allowed, names = connection.allowed_models, (model_id, catalogue.bare_id(model_id))
    if model_id and allowed and not any(fnmatchcase(name, each) for name in names for each in allowed):
        raise NotAllowed(
            f"{connection} does not allow the model {model_id}.",
            f"Choose one of {', '.join(allowed)}.",
            field="model_id",
        )


def require_model_of_role(actor: Actor, connection: Connection, model_id: str, *, right: Right) -> None:
    """Raise NotAllowed unless a role that gives *actor* the *right* on *connection* allows the model."""
    if actor is None or actor.is_superuser:
        return
    here = [grant.role for grant in grants_of(actor) if grant.connection_id in (None, connection.pk)]
    lists = [role.model_ids for role in here if right in role.rights]
    model = base_model_id(model_id)
    if all(allowed and not any(fnmatchcase(model, each) for each in allowed) for allowed in lists):
        names = sorted({each for allowed in lists for each in allowed})
        raise NotAllowed(
            f"Your roles on {connection} do not allow the model {model}.",
            f"They allow {', '.join(names)}. {who_grants(connection)}",
            field="model_id",
        )


def lies_in(uri: str, prefixes: Iterable[str]) -> bool:
    """Whether *uri* is one of *prefixes* or below one: ``s3://b/in`` covers ``s3://b/in/x``, not ``s3://b/inner``."""
    return any(f"{uri}/".startswith(f"{prefix.rstrip('/')}/") for prefix in prefixes)


def _has_every_column(model: type[Model], *, using: str) -> bool:
    database, table = connections[using], model._meta.db_table
    if table not in database.introspection.table_names():
        return False
    with database.cursor() as cursor:
        existing = {column.name for column in database.introspection.get_table_description(cursor, table)}
    return existing >= {field.column for field in model._meta.concrete_fields}


def ship_roles(*, using: str = DEFAULT_DB_ALIAS, **_: object) -> None:
    """Reset the shipped roles to the rights that this version defines; a receiver of ``post_migrate``."""
    if not _has_every_column(Role, using=using):
        return  # migrated to a step before roles were what they are now
    for name, rights in SHIPPED_ROLES.items():
        Role.objects.using(using).update_or_create(name=name, defaults={"rights": list(rights), "is_shipped": True})
