"""Prices in the administration. Those set here override AWS's Price List, whose rows are read-only."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import URLPattern, path

from batchconsole.console.administration import price_import
from batchconsole.console.administration.price_import import EffectForm
from batchconsole.console.administration.rows import RowAdmin
from batchconsole.jobs.costs.prices import price_the_unpriced, recompute_costs
from batchconsole.jobs.models import BatchJob, ModelPrice, Right, base_model_id
from batchconsole.records.catalogue import find_model


class ModelPriceForm(EffectForm, forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """An administrator's price, at most one for each model, region, profile and type of jobs."""

    def clean_model_id(self) -> str:
        return base_model_id(self.cleaned_data["model_id"].strip())

    def clean(self) -> dict[str, Any]:
        """Refuse a second price for the same: the form lacks ``source``, so Django cannot check."""
        data = super().clean() or {}
        about = {name: data.get(name) for name in ("model_id", "region", "profile", "lane")}
        same = ModelPrice.objects.filter(**about, source=ModelPrice.Source.ADMIN).exclude(pk=self.instance.pk)
        if same.exists():
            raise ValidationError(
                "There is already a price for this model, region, profile and type of jobs. Change that one."
            )
        return data


@admin.register(ModelPrice)
class ModelPriceAdmin(RowAdmin):
    form = ModelPriceForm
    list_display = ("model_id", "region", "profile", "lane", "input_price", "output_price", "as_of", "source")
    list_filter = ("source", "lane", "region")
    search_fields = ("model_id",)
    readonly_fields = ("source",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(price_import.index)
        return [path("import/", view, name="jobs_modelprice_import"), *super().get_urls()]

    @admin.display(description="Input, USD per million", ordering="input_usd_per_million")
    def input_price(self, price: ModelPrice) -> Decimal:
        return price.input_usd_per_million.normalize()

    @admin.display(description="Output, USD per million", ordering="output_usd_per_million")
    def output_price(self, price: ModelPrice) -> Decimal:
        return price.output_usd_per_million.normalize()

    def has_change_permission(self, request: HttpRequest, obj: ModelPrice | None = None) -> bool:
        from_aws = obj is not None and obj.source == ModelPrice.Source.PRICE_LIST
        return not from_aws and request.user.has_perm(Right.ADMINISTER) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require the right to administer all connections, because prices apply to all of them."""
        return request.user.has_perm(Right.ADMINISTER) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: ModelPrice | None = None) -> bool:
        return request.user.has_perm(Right.ADMINISTER) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ModelPrice, form: Any, change: bool) -> None:
        """Save the price and compute the cost of jobs that had none for lack of a price."""
        super().save_model(request, obj, form, change)
        if not find_model(obj.model_id) and not BatchJob.objects.filter(base_model_id=obj.model_id).exists():
            messages.warning(request, f"{obj.model_id} is unknown, and no job uses it. Check the model ID.")
        if form.recomputes:
            count = recompute_costs({obj.region: [obj.model_id]})
            messages.success(request, f"The cost of {count:,} past job{'' if count == 1 else 's'} was computed again.")
        priced = price_the_unpriced()
        if priced:
            jobs = "1 job has" if priced == 1 else f"{priced:,} jobs have"
            messages.success(request, f"{jobs} a cost now that had none before.")
