"""Admin pages of rows that belong to connections: staff see the rows of connections that they may administer."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest

from batchconsole.console.administration.rows import RowAdmin
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.jobs.models import Right
from batchconsole.jobs.rights.access import administrable


class ConnectionFilter(admin.RelatedFieldListFilter):
    """Offer the connections that the user may administer."""

    def field_choices(self, field: Any, request: Any, model_admin: Any) -> Any:
        allowed = {"pk__in": administrable(request.user).values("pk")}
        return field.get_choices(include_blank=False, limit_choices_to=allowed)


OF_CONNECTION = ("connection", ConnectionFilter)  # for list_filter


class LimitedAdmin(RowAdmin):
    """Rows that belong to connections; ``connection_path`` is the lookup from a row to its connection."""

    connection_path = "connection"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        user: Any = request.user
        return rows if user.is_superuser else rows.filter(**{f"{self.connection_path}__in": administrable(user)})

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: ConsoleRequest, **kwargs: Any) -> Any:  # type: ignore[override] # a signed-in person's request
        if db_field.name == "connection":
            kwargs["queryset"] = administrable(request.user)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "connection" and field is not None and not request.user.has_perm(Right.ADMINISTER):
            field.required = True  # an empty value means all connections
        return field
