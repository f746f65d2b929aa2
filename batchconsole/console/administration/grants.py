"""Grants in the administration: inline rows on the pages of users, groups and connections."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from batchconsole.console.administration.rows import PlainFields
from batchconsole.jobs.models import Grant, Right
from batchconsole.jobs.rights.access import administrable


class NamedFormSet(BaseInlineFormSet):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """Rows whose fields have an ``aria-label``, for users who cannot see the column header."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs.setdefault("aria-label", field.label or "")


class RowInline(PlainFields, admin.TabularInline):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    formset = NamedFormSet
    extra = 0


class GrantInline(RowInline):
    """The grants of a user or group, limited to connections that the signed-in user may administer."""

    model = Grant
    fields = ("role", "connection")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        rows: QuerySet[Grant] = super().get_queryset(request)
        user: Any = request.user
        return rows if user.is_superuser else rows.filter(connection__in=administrable(user))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "connection" and field is not None:
            field.queryset = administrable(request.user)
            field.required = not request.user.has_perm(Right.ADMINISTER)
            field.empty_label = None if field.required else "All connections"
        return field


class GrantsOnConnection(RowInline):
    """The grants on one connection; only users who may administer it can open the page."""

    model = Grant
    fields = ("user", "group", "role")
    verbose_name_plural = "People on this connection"
