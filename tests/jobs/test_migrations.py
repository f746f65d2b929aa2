"""The one step for a new database, beside the steps of databases that have grown, and what follows each step."""

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader

from batchconsole.jobs.access import ship_roles
from batchconsole.jobs.audit import make_triggers
from batchconsole.jobs.search import make_index


def test_the_one_step_for_a_new_database_makes_what_the_many_made() -> None:
    steps, whole = MigrationLoader(None, replace_migrations=False), MigrationLoader(None)
    before, after = steps.project_state(), whole.project_state()
    assert MigrationAutodetector(before, after).changes(whole.graph) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("receiver", [ship_roles, make_triggers, make_index])
def test_what_follows_a_migration_leaves_a_middle_step_alone(receiver: Callable[..., None]) -> None:
    """As after `migrate jobs 0020`, when roles did not name models yet."""
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_role DROP COLUMN model_ids")
    receiver(using="default")
