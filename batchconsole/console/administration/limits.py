"""Limits and budgets in the administration. Limits set here override those of Service Quotas, which are read-only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from batchconsole.console.administration.limited import OF_CONNECTION, LimitedAdmin
from batchconsole.jobs.costs.spending import spending
from batchconsole.jobs.models import Budget, ModelLimit, base_model_id

ONE_KIND = "A user, a group or a tag. None of them: all jobs of the connection."
# The numbers of a row of limits.
LIMITED = (
    "jobs_at_once",
    "min_records_per_job",
    "records_per_job",
    "records_per_file",
    "bytes_per_file",
    "bytes_per_job",
)


class ModelLimitForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """An administrator's limits, at most one row for each connection and model."""

    def clean_model_id(self) -> str:
        return base_model_id(self.cleaned_data["model_id"].strip())

    def clean(self) -> dict[str, Any]:
        """Refuse a second row for a connection and model: Django cannot check this, as the form lacks ``source``."""
        data = super().clean() or {}
        if not any(data.get(name) is not None for name in LIMITED):
            raise ValidationError("These limits limit nothing. Enter at least one number.")
        about = {name: data.get(name) for name in ("connection", "model_id")}
        same = ModelLimit.objects.filter(**about, source=ModelLimit.Source.OVERRIDE).exclude(pk=self.instance.pk)
        if same.exists():
            raise ValidationError("There are already limits for this connection and model. Change those.")
        return data


@admin.register(ModelLimit)
class ModelLimitAdmin(LimitedAdmin):
    form = ModelLimitForm
    list_display = ("__str__", "connection", "jobs_at_once", "records_per_job", "records_per_file", "source")
    list_filter = ("source", OF_CONNECTION)
    search_fields = ("model_id",)
    readonly_fields = ("source",)

    def has_change_permission(self, request: HttpRequest, obj: ModelLimit | None = None) -> bool:
        from_aws = obj is not None and obj.source == ModelLimit.Source.SERVICE_QUOTAS
        return not from_aws and super().has_change_permission(request, obj)


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A budget; a constraint of the table ensures that it is for one kind only."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("tag_key")) != bool(data.get("tag_value")):
            self.add_error("tag_value" if data.get("tag_key") else "tag_key", "Enter both the key and the value.")
        return data


@admin.register(Budget)
class BudgetAdmin(LimitedAdmin):
    form = BudgetForm
    list_display = ("of_what", "connection", "usd_per_month", "used", "above")
    list_filter = ("above", OF_CONNECTION)
    list_select_related = ("connection", "user", "group")
    search_fields = ("user__username", "group__name", "tag_key", "tag_value")
    readonly_fields = ("used",)
    fieldsets = (
        (None, {"fields": ("connection", "usd_per_month", "above", "used")}),
        ("Only some jobs", {"fields": ("user", "group", "tag_key", "tag_value"), "description": ONE_KIND}),
    )

    @admin.display(description="Counts", ordering="tag_key")
    def of_what(self, budget: Budget) -> str:
        return budget.of_what

    @admin.display(description="Used this month")
    def used(self, budget: Budget) -> str:
        if budget.pk is None:
            return "-"
        now = spending(budget)
        unknown = f"; {now.unknown} without an estimate" if now.unknown else ""
        return f"{now.used_usd:,.2f} USD ({now.percent}%), {now.in_flight_usd:,.2f} of it by jobs in flight{unknown}"
