"""The table in which attempts to sign in are counted, and the end of django-axes' tables."""

from typing import Any

from django.core.management import call_command
from django.db import migrations

AXES = ("axes_accessattemptexpiration", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog")


def make_cache_table(apps: Any, schema_editor: Any) -> None:
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0014_input_order")]
    operations = [
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
        *(migrations.RunSQL(f"DROP TABLE IF EXISTS {table}", migrations.RunSQL.noop) for table in AXES),
    ]
