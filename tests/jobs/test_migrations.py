"""The one step for a new database, beside the steps of databases that have grown."""

from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader


def test_the_one_step_for_a_new_database_makes_what_the_many_made() -> None:
    steps, whole = MigrationLoader(None, replace_migrations=False), MigrationLoader(None)
    before, after = steps.project_state(), whole.project_state()
    assert MigrationAutodetector(before, after).changes(whole.graph) == {}
