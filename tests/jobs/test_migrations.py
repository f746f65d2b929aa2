"""The one step for a new database, beside the steps of databases that have grown, and old code on a new schema."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection as database
from django.db import models
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
