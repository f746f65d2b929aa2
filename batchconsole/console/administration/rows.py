"""Base classes of the administration's model pages: form fields without pop-ups, and saving only what changed."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.forms import DateInput
from django.http import HttpRequest, HttpResponse


class PlainFields:
    """Foreign keys without the buttons that open pop-up windows, dates as native inputs, and saving what changed."""

    formfield_overrides: ClassVar[Any] = {
        models.DateField: {"widget": DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
    }

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # a mixin of ModelAdmin
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["adminform"].form.label_suffix = ""  # no label of the console ends in a colon
        page: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)  # type: ignore[misc] # as above
        return page

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write only the columns that the form changed: workers may have written others since the row was read."""
        if change:
            columns = obj._meta.concrete_fields
            changed = [each.name for each in columns if each.name in form.changed_data]
            of_now = [each.name for each in columns if changed and getattr(each, "auto_now", False)]
            obj.save(update_fields=[*changed, *of_now])
        else:
            super().save_model(request, obj, form, change)  # type: ignore[misc] # a mixin of ModelAdmin


class RowAdmin(PlainFields, admin.ModelAdmin):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A ModelAdmin with plain fields."""
