"""Defaults of columns in PostgreSQL, so that processes of the release before can add rows after a migration.

Django fills a new column of old rows and then drops the column's default: an INSERT of code that does not know the
column would fail. SQLite needs none of this, because one machine's processes are restarted together.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models import BinaryField, Field
from django.db.models.fields import NOT_PROVIDED
from django.utils import timezone

NOW = "now()"
WITHOUT_DEFAULT = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_default IS NULL AND is_nullable = 'NO'
"""


def keep_defaults(sender: AppConfig, using: str, **_: object) -> None:
    """Give each required column that has none a default in the database; call it after migrations.

    Each table by itself: who reads two tables meanwhile would wait for one of them while this waits for the other.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor, connection.schema_editor(atomic=False) as editor:
        cursor.execute(WITHOUT_DEFAULT)
        bare = set(cursor.fetchall())
        for model in sender.get_models():
            lacking = [f for f in model._meta.local_concrete_fields if (model._meta.db_table, f.column) in bare]
            if changes := list(_changes(lacking, connection, editor)):
                cursor.execute(f"ALTER TABLE {editor.quote_name(model._meta.db_table)} {', '.join(changes)}")


def _changes(fields: "list[Field[Any, Any]]", connection: Any, editor: Any) -> Iterator[str]:
    for field in fields:
        value = default_of(field)
        if value is None:
            continue
        literal = NOW if value == NOW else editor.quote_value(field.get_db_prep_save(value, connection))
        yield f"ALTER COLUMN {editor.quote_name(field.column)} SET DEFAULT {literal}"


def default_of(field: "Field[Any, Any]") -> Any:
    """Return the value for rows that do not name *field*: ``NOW``, a constant, or ``None`` if there is none.

    Tokens, which a function makes for each row, are empty there: nothing of the release before asks for them.
    """
    if field.null or field.primary_key or field.is_relation or field.db_default is not NOT_PROVIDED:
        return None
    empty = b"" if isinstance(field, BinaryField) else ""
    if field.default is timezone.now:
        return NOW
    if callable(field.default) and field.default not in (dict, list):
        return empty if field.empty_strings_allowed and not field.unique else None
    if field.has_default():
        return field.get_default()
    return empty if field.blank and field.empty_strings_allowed else None
