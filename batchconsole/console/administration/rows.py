"""Base classes of the administration's model pages: form fields without pop-ups, and native date inputs."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.forms import DateInput


class PlainFields:
    """Foreign keys without the buttons that open pop-up windows, and dates as the browser's native inputs."""

    formfield_overrides: ClassVar[Any] = {
        models.DateField: {"widget": DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
    }

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # a mixin of ModelAdmin
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class RowAdmin(PlainFields, admin.ModelAdmin):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A ModelAdmin with plain fields."""
