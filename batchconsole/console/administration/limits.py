"""Limits in the administration: what an administrator sets stands over Service Quotas, whose rows are only shown."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from batchconsole.console.administration.limited import OF_CONNECTION, LimitedAdmin
from batchconsole.jobs.models import ModelLimit, base_model_id


class ModelLimitForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """An administrator's limits: one row for each connection and model."""

    def clean_model_id(self) -> str:
        return base_model_id(self.cleaned_data["model_id"].strip())

    def clean(self) -> dict[str, Any]:
        """Refuse a second row for the same; the source is no field of the form, so Django does not look."""
        data = super().clean() or {}
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
