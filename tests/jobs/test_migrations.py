"""The one step for a new database, beside the steps of databases that have grown, and old code on a new schema."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.db import connection as database
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, DeleteModel, RemoveField, RenameField, RenameModel
from django.utils import timezone

from batchconsole.jobs.audit import make_triggers
from batchconsole.jobs.column_defaults import NOW, default_of, keep_defaults
from batchconsole.jobs.finding.search import make_index
from batchconsole.jobs.models.job import new_client_request_token
from batchconsole.jobs.rights.access import ship_roles

FIRST_RELEASE = 32  # no release ran beside an older schema
EXAMPLES = {
    "CharField": "x",
    "TextField": "x",
    "JSONField": {},
    "DateTimeField": timezone.now(),
    "DateField": timezone.now().date(),
    "BinaryField": b"x",
}
OF_SOMEBODY = {"jobs_grant", "jobs_notificationchannel"}  # a constraint asks for a person or something else
TAKES_AWAY = (DeleteModel, RemoveField, RenameField, RenameModel)


def test_the_one_step_for_a_new_database_makes_what_the_many_made() -> None:
    steps, whole = MigrationLoader(None, replace_migrations=False), MigrationLoader(None)
    before, after = steps.project_state(), whole.project_state()
    assert MigrationAutodetector(before, after).changes(whole.graph) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("receiver", [ship_roles, make_triggers, make_index, keep_defaults])
def test_what_follows_a_migration_leaves_a_middle_step_alone(receiver: Callable[..., None]) -> None:
    """As after `migrate jobs 0020`, when roles did not name models yet."""
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_role DROP COLUMN model_ids")
    receiver(sender=apps.get_app_config("jobs"), using="default")


def operations_since_the_first_release() -> list[tuple[str, object]]:
    found = MigrationLoader(None, replace_migrations=False).disk_migrations.items()
    return [
        (name, operation)
        for (app, name), migration in found
        if app == "jobs" and not migration.replaces and int(name[:4]) > FIRST_RELEASE
        for operation in migration.operations
    ]


def test_a_migration_takes_nothing_away_that_the_release_before_uses() -> None:
    assert [name for name, operation in operations_since_the_first_release() if isinstance(operation, TAKES_AWAY)] == []


def test_a_new_column_may_be_left_out_by_the_release_before() -> None:
    added = [(name, each) for name, each in operations_since_the_first_release() if isinstance(each, AddField)]
    assert added
    assert [(name, each.name) for name, each in added if not each.field.null and default_of(each.field) is None] == []


@pytest.mark.django_db
def test_the_database_fills_in_what_old_code_leaves_out() -> None:
    """SQLite keeps no defaults: its processes are restarted together."""
    with database.cursor() as cursor:
        for model in apps.get_app_config("jobs").get_models():
            fields = [field for field in model._meta.local_concrete_fields if default_of(field) is not None]
            columns = {each.name: each.default for each in describe(cursor, model._meta.db_table)}
            lacking = [field.column for field in fields if columns[field.column] is None]
            assert not lacking or database.vendor == "sqlite"


def leaves_before() -> list[str]:
    """The oldest release that may still run beside this one, as far as is known, and the one before the last step."""
    names = sorted(
        name for app, name in MigrationLoader(None, replace_migrations=False).disk_migrations if app == "jobs"
    )
    return [next(name for name in names if int(name[:4]) == FIRST_RELEASE), names[-2]]


@pytest.mark.django_db
@pytest.mark.parametrize("leaf", leaves_before())
def test_the_statements_of_an_earlier_release_run_on_this_schema(leaf: str) -> None:
    run_statements_of(leaf)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "vendors"),
    [
        ("ALTER TABLE jobs_jobnote DROP COLUMN text", {"sqlite", "postgresql"}),
        ("ALTER TABLE jobs_jobnote ADD COLUMN added integer NOT NULL", {"postgresql"}),
        ("ALTER TABLE jobs_jobnote ADD CHECK (text = 'of the new release')", {"postgresql"}),
    ],
)
def test_a_schema_that_an_earlier_release_cannot_use_is_noticed(change: str, vendors: set[str]) -> None:
    if database.vendor in vendors:
        with database.cursor() as cursor:
            cursor.execute(change)
        with pytest.raises(DatabaseError):
            run_statements_of(leaves_before()[-1])


def run_statements_of(leaf: str) -> None:
    """Insert, read and update a row of each model as it was after the migration *leaf*, with the columns of then.

    SQLite keeps no defaults for an INSERT that names fewer columns: its processes are restarted together.
    """
    then = MigrationLoader(None, replace_migrations=False).project_state([("jobs", leaf)]).apps
    for model in then.get_app_config("jobs").get_models(include_auto_created=True):
        fields = [each for each in model._meta.local_concrete_fields if not isinstance(each, models.AutoField)]
        columns = {each.attname: example_of(each) for each in fields}
        columns |= {"user_id": 1} if model._meta.db_table in OF_SOMEBODY else {}
        rows = model._base_manager.all()
        with transaction.atomic():
            if database.vendor == "postgresql":
                assert rows.filter(pk=rows.create(**columns).pk).first() is not None
            assert rows.filter(pk=-1).update(**columns) == 0
            assert rows.filter(pk=-1).first() is None
            transaction.set_rollback(True)  # keys of other tables point nowhere


def example_of(field: Any) -> Any:
    """Return a value for *field* that its column takes."""
    if field.null:
        return None
    if field.has_default():
        return field.get_default()
    return EXAMPLES.get(field.get_internal_type(), 1)


@pytest.mark.django_db(transaction=True)
def test_defaults_are_kept_table_by_table_as_processes_of_the_release_before_read_several() -> None:
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE jobs_connection ALTER COLUMN presigns_downloads DROP DEFAULT")
            cursor.execute("ALTER TABLE jobs_batchjob ALTER COLUMN lane DROP DEFAULT")
    altered: list[bool] = []

    def look(execute: Any, sql: Any, *rest: Any) -> Any:
        altered.extend([database.in_atomic_block] if str(sql).startswith("ALTER TABLE") else [])
        return execute(sql, *rest)

    with database.execute_wrapper(look):
        keep_defaults(sender=apps.get_app_config("jobs"), using="default")
    assert altered == ([False, False] if database.vendor == "postgresql" else [])


def describe(cursor: Any, table: str) -> Any:
    return database.introspection.get_table_description(cursor, table)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (models.IntegerField(default=3), 3),
        (models.BooleanField(default=False), False),
        (models.CharField(blank=True), ""),
        (models.CharField(default=new_client_request_token), ""),
        (models.JSONField(default=dict), {}),
        (models.DateTimeField(default=timezone.now), NOW),
        (models.IntegerField(null=True), None),
        (models.IntegerField(), None),
        (models.CharField(unique=True, default=new_client_request_token), None),
    ],
)
def test_the_default_of_a_field(field: Any, value: object) -> None:
    assert default_of(field) == value
