"""Base classes of the administration's model pages: plain form fields, drafts, and saving only what changed."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.forms import DateInput
from django.http import HttpRequest, HttpResponse, QueryDict

from batchconsole.console.administration.changed_rows import ToldChanges
from batchconsole.console.frame import drafts


def filled_in(form: Callable[..., Any], draft: QueryDict) -> Callable[..., Any]:
    """Return the form class *form*, whose instances hold *draft* as if it were posted."""

    class Filled(form):  # type: ignore[misc, valid-type] # made by Django for the model
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(draft, **kwargs)

    return Filled


class KeptDrafts:
    """Pages to add and to change a row whose entries outlive the session."""

    @drafts.takes_drafts
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        drafts.restored(request)  # says so
        page: HttpResponse = super().add_view(request, *args, **kwargs)  # type: ignore[misc] # a mixin of ModelAdmin
        return page

    @drafts.takes_drafts
    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        drafts.restored(request)
        page: HttpResponse = super().change_view(request, *args, **kwargs)  # type: ignore[misc] # as above
        return page

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form, draft = super().get_form(request, *args, **kwargs), drafts.find(request)  # type: ignore[misc] # as above
        return form if draft is None else filled_in(form, draft)

    def get_formset_kwargs(self, request: HttpRequest, *args: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().get_formset_kwargs(request, *args)  # type: ignore[misc] # as above
        draft = drafts.find(request)
        return values if draft is None else values | {"data": draft}


class PlainFields(KeptDrafts, ToldChanges):
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
