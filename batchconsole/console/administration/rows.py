"""What all pages of tables in the administration have: plain fields, and lists named as a person names them."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.forms import DateInput


class PlainFields:
    """Fields without windows that open over others, and dates as the browser asks for them."""

    formfield_overrides: ClassVar[Any] = {
        models.DateField: {"widget": DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
    }

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # a mixin of ModelAdmin
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class RowAdmin(PlainFields, admin.ModelAdmin):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A table of which nothing is hidden or cut."""
