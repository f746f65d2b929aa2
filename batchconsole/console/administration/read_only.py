"""Rows that the administration shows and nobody changes there, with their JSON columns as text."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import JSONField, Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from batchconsole.console.administration.limited import LimitedAdmin


def as_json(value: Any) -> SafeString | str:
    """Return *value* as indented JSON in ``<pre>``, or ``-`` if it is empty."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False)) if value else "-"


def json_text(field: JSONField) -> Any:
    """Return what shows a JSON column in the administration: words as a list, an error as its sentences, else JSON."""

    @admin.display(description=capfirst(field.verbose_name))
    def text(row: Model) -> str:
        value = getattr(row, field.name)
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            return ", ".join(value)
        if isinstance(value, dict) and value.get("message"):
            return " ".join(str(value[part]) for part in ("message", "hint") if value.get(part))
        return as_json(value)

    return text


class ReadOnlyAdmin(LimitedAdmin):
    """Rows that cannot be added, changed or deleted here."""

    show_full_result_count = False  # Counting all rows costs more than the page.

    def _json_columns(self) -> list[JSONField]:
        """Return the columns that Django would show as JSON in one line; rows with fieldsets name what they show."""
        hidden = self.exclude or ()
        columns = [each for each in self.opts.fields if isinstance(each, JSONField) and each.name not in hidden]
        return [] if self.fieldsets else columns

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(self.exclude or ()), *(column.name for column in self._json_columns())]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.readonly_fields, *map(json_text, self._json_columns())]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
