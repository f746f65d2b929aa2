"""The audit trail: append-only events, the changes to administered tables, and the only way to delete old events.

Triggers refuse to change or delete events. They are created after each migration, because SQLite drops a table's
triggers whenever a migration rebuilds the table. The only way to delete is :func:`deletions`. On SQLite, it makes a
function of the database connection return true; programs other than the console do not have this function. On
PostgreSQL, it changes a setting of the session.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import F, Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone

from batchconsole.jobs import origin
from batchconsole.jobs.models import (
    BatchJob,
    Budget,
    Connection,
    Event,
    Grant,
    ModelLimit,
    ModelPrice,
    RecordView,
    Role,
    Verb,
)

MAY_DELETE = "batchconsole_may_delete_events"
BATCH = 1000  # events deleted at once
SQLITE = (
    """CREATE TRIGGER IF NOT EXISTS event_update BEFORE UPDATE ON jobs_event
    BEGIN SELECT RAISE(ABORT, 'Events are never changed.'); END""",
    f"""CREATE TRIGGER IF NOT EXISTS event_delete BEFORE DELETE ON jobs_event WHEN NOT {MAY_DELETE}()
    BEGIN SELECT RAISE(ABORT, 'Events are never deleted.'); END""",
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION jobs_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'UPDATE' AND current_setting('batchconsole.may_delete_events', true) = 'on' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'Events are never changed or deleted.';
    END $$""",
    "DROP TRIGGER IF EXISTS event_refuse ON jobs_event",
    """CREATE TRIGGER event_refuse BEFORE UPDATE OR DELETE ON jobs_event
    FOR EACH ROW EXECUTE FUNCTION jobs_event_refuse()""",
    "DROP TRIGGER IF EXISTS event_refuse_all ON jobs_event",
    """CREATE TRIGGER event_refuse_all BEFORE TRUNCATE ON jobs_event
    FOR EACH STATEMENT EXECUTE FUNCTION jobs_event_refuse()""",
)
_may_delete: ContextVar[bool] = ContextVar("may_delete_events", default=False)

# Every change that a person makes to these tables is an event with the values. Values of fields in SECRET are masked,
# and the fields in NOISE, which the console itself maintains, do not count as changes.
AUDITED: tuple[type[Model], ...] = (Connection, Grant, Role, ModelLimit, ModelPrice, Budget, User, Group)
SECRET = frozenset({"password", "secret_hash", "external_id"})
OF_SYNC = ("synced_at", "sync_due_at", "sync_error", "sync_failures", "tags_due_at", "tags_error", "on_demand_due_at")
NOISE = frozenset({"last_login", *OF_SYNC})
CHANGED = "(changed)"


def last_event(connection: Connection) -> int:
    """Return the key of the newest event of *connection*, 0 without any: it differs after each change of a job."""
    newest = Event.objects.filter(connection=connection).order_by("-id").values_list("pk", flat=True).first()
    return newest or 0


def make_triggers(*, using: str = DEFAULT_DB_ALIAS, **_: object) -> None:
    """Create the database triggers that refuse to change or delete events; a receiver of ``post_migrate``."""
    database = connections[using]
    if Event._meta.db_table not in database.introspection.table_names():
        return
    with database.cursor() as cursor:
        for statement in SQLITE if database.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)


@receiver(connection_created, dispatch_uid="jobs.audit")
def teach_sqlite(sender: object, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Give SQLite the function that its trigger calls."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(MAY_DELETE, 0, lambda: int(_may_delete.get()))


@contextmanager
def deletions() -> Iterator[None]:
    """Allow events to be deleted inside the block: for retention, and for tests that empty their database."""
    token = _may_delete.set(True)
    _tell_postgresql("on")
    try:
        yield
    finally:
        _tell_postgresql("off")
        _may_delete.reset(token)


def _tell_postgresql(value: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('batchconsole.may_delete_events', %s, false)", [value])


def expire_events() -> int:
    """Delete a batch of events older than AUDIT_DAYS, record that as an event, and return how many were deleted."""
    if not settings.AUDIT_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    old = list(Event.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:BATCH])
    if old:
        with transaction.atomic():
            with deletions():
                Event.objects.filter(pk__in=old).delete()
            Event.objects.create(verb=Verb.EVENTS_EXPIRED, data={"events": len(old), "before": before.isoformat()})
    return len(old)


def count_record_view(job: BatchJob, user: User) -> None:
    """Count that *user* viewed records of *job*; the first view on each day is also an event."""
    day = timezone.now().date()
    with transaction.atomic():
        view, is_new = RecordView.objects.get_or_create(job=job, user=user, day=day)
        RecordView.objects.filter(pk=view.pk).update(count=F("count") + 1)
        if is_new:
            Event.objects.create(connection=job.connection, job=job, actor=user, verb=Verb.RECORDS_VIEWED)


def record_download(job: BatchJob, user: User, *, target: str) -> None:
    """Record that *user* downloads output of *job* from the address *target*."""
    Event.objects.create(connection=job.connection, job=job, actor=user, verb=Verb.DOWNLOADED, target=target[:255])


def values_of(row: Model) -> dict[str, Any]:
    """Return the values of the fields of *row* in the form that events store, without NOISE."""
    return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields if field.name not in NOISE}


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values that differ, before and after, with secrets masked."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return _shown(before, names), _shown(after, names)


def _shown(values: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {
        name: CHANGED if name in SECRET else _plain(values[name])
        for name in names
        if name in values and values[name] not in (None, "", [], {})
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str, list, dict)) else str(value)


def is_audited(row: object) -> bool:
    return isinstance(row, AUDITED) and (here := origin.current()) is not None and here.actor is not None


@receiver(pre_save, dispatch_uid="jobs.audit")
def _remember(sender: type[Model], instance: Model, raw: bool, **_: object) -> None:
    if is_audited(instance) and not raw:
        old = sender._default_manager.filter(pk=instance.pk).first() if instance.pk else None
        instance._audit_before = values_of(old) if old else None  # type: ignore[attr-defined] # for _record_save below


@receiver(post_save, dispatch_uid="jobs.audit")
def _record_save(sender: type[Model], instance: Model, created: bool, raw: bool, **_: object) -> None:
    if not is_audited(instance) or raw:
        return
    known = getattr(instance, "_audit_before", None) or {}
    before, after = changes({} if created else known, values_of(instance))
    if before or after:
        _record(Verb.ROW_ADDED if created else Verb.ROW_CHANGED, instance, before=before, after=after)


@receiver(post_delete, dispatch_uid="jobs.audit")
def _record_delete(sender: type[Model], instance: Model, **_: object) -> None:
    if is_audited(instance):
        _record(Verb.ROW_DELETED, instance, before=changes(values_of(instance), {})[0])


@receiver(m2m_changed, dispatch_uid="jobs.audit")
def _record_links(sender: type[Model], instance: Model, action: str, pk_set: set[int] | None, **options: Any) -> None:
    """Record changes to many-to-many relations, such as a user's groups and permissions, which are not columns."""
    if not is_audited(instance) or action not in {"post_add", "post_remove", "pre_clear"}:
        return
    names = [str(row) for row in options["model"]._default_manager.filter(pk__in=pk_set or [])]
    noun = str(options["model"]._meta.verbose_name_plural)
    links = {noun: names or "all"}
    if action == "post_add":
        _record(Verb.ROW_CHANGED, instance, after=links)
    else:
        _record(Verb.ROW_CHANGED, instance, before=links)


def _record(verb: Verb, row: Model, **values: dict[str, Any]) -> None:
    """Record a change of *row*. The event names it by text: a connection with events of its own cannot be deleted."""
    here = origin.current()
    Event.objects.create(
        actor=here.actor if here else None,
        verb=verb,
        target=f"{row._meta.verbose_name} {row}"[:255],
        data={"model": row._meta.label_lower, "pk": row.pk},
        **values,
    )
