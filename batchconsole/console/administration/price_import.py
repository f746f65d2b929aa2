"""Import prices from AWS's Price List in the administration: read, show what changes, and store when confirmed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render

from batchconsole.aws.errors import AwsError
from batchconsole.body_limits import takes_files
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.costs.price_list import ListedPrice, Taken, read_price_file, read_prices, store_prices
from batchconsole.jobs.costs.prices import jobs_with_cost, price_for, price_the_unpriced, recompute_costs
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Connection, ModelPrice, Right
from batchconsole.jobs.patience import page_calls
from batchconsole.records.prices import Price

LARGEST_FILE = 32 * 2**20  # the list of one service and region has a few megabytes
SALT, SECONDS = "price-list", 3600  # of what was read and waits to be confirmed
LEAVE, RECOMPUTE = "leave", "recompute"


class SourceForm(forms.Form):
    """Where the prices come from: a connection, whose region and credentials count, or a file."""

    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        required=False,
        empty_label="None: read the file below",
        help_text="Reads its region by its credentials, which need pricing:GetProducts. Takes some seconds.",
    )
    file = forms.FileField(
        required=False,
        help_text="JSON from AWS's bulk price list, or the answer of aws pricing get-products. At most 32 MB.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["connection"].queryset = Connection.objects.enabled()  # type: ignore[attr-defined] # a choice

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and bool(data.get("connection")) == bool(data.get("file")):
            raise forms.ValidationError("Choose a connection or a file, one of them.")
        return data


class EffectForm(forms.Form):
    """What happens to the costs of past jobs, as prices change; without an answer they stay as they are."""

    past_jobs = forms.ChoiceField(
        label="Costs of past jobs",
        required=False,
        choices=[(LEAVE, "Leave them as they are"), (RECOMPUTE, "Compute them again by the new prices")],
        initial=LEAVE,
        widget=forms.RadioSelect,
        help_text="Jobs that have no cost yet for lack of a price get one either way.",
    )

    @property
    def recomputes(self) -> bool:
        return bool(self.cleaned_data["past_jobs"] == RECOMPUTE)


@dataclass(frozen=True)
class Change:
    """One price of the list beside the one that holds now."""

    listed: ListedPrice
    now: Price | None

    @property
    def profile(self) -> str:
        return str(ModelPrice.Profile(self.listed.profile).label)

    @property
    def state(self) -> tuple[str, str]:
        """The type and the text of its indicator."""
        if self.now is None:
            return "info", "New"
        if self.now.source.startswith(str(ModelPrice.Source.ADMIN.label)):
            return "warning", "Stored, but an administrator's price stands over it"
        now = self.now.input_usd_per_million, self.now.output_usd_per_million
        return ("success", "Unchanged") if now == (self.listed.input, self.listed.output) else ("info", "Changes")


@takes_files(max_bytes=LARGEST_FILE + 2**16)
def index(request: ConsoleRequest) -> HttpResponse:
    """Ask for the source; show what it changes; store it, and recompute past costs if that was chosen."""
    if not (request.user.has_perm(Right.ADMINISTER) and request.user.has_perm("jobs.add_modelprice")):
        raise PermissionDenied
    if "taken" in request.POST:
        return _store(request)
    form = SourceForm(request.POST or None, request.FILES or None, label_suffix="")
    if request.method == "POST" and form.is_valid():
        try:
            return _confirm(request, _read(form.cleaned_data))
        except (AwsError, UserError) as error:
            form.add_error(None, sentences(error))
    return _show(request, form)


def _read(source: dict[str, Any]) -> Taken:
    connection = source["connection"]
    if connection is None:
        return read_price_file(source["file"].read(), set(Connection.objects.values_list("region", flat=True)))
    with page_calls():
        return read_prices(connection.target, connection.region)


def _confirm(request: ConsoleRequest, taken: Taken, effect: EffectForm | None = None) -> HttpResponse:
    changes = list(_changes(taken))
    signed = signing.dumps(msgspec.to_builtins(taken), salt=SALT, compress=True)
    past = jobs_with_cost(_models(taken)).count()
    return _show(request, effect or EffectForm(label_suffix=""), changes=changes, taken=taken, signed=signed, past=past)


def _changes(taken: Taken) -> Iterator[Change]:
    for listed in taken.prices:
        is_global = listed.profile == ModelPrice.Profile.GLOBAL
        yield Change(listed, price_for(f"{'global.' if is_global else ''}{listed.model_id}", listed.region))


def _models(taken: Taken) -> dict[str, set[str]]:
    """Return the models of the list by their region."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for price in taken.prices:
        found[price.region].add(price.model_id)
    return found


def _store(request: ConsoleRequest) -> HttpResponse:
    try:
        read = signing.loads(request.POST["taken"], salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        messages.error(request, "What was read is too old, or was changed. Read the prices again.")
        return redirect("admin:jobs_modelprice_import")
    taken, effect = msgspec.convert(read, Taken), EffectForm(request.POST, label_suffix="")
    if not effect.is_valid():
        return _confirm(request, taken, effect)
    with transaction.atomic():
        store_prices(taken)
        recomputed = recompute_costs(_models(taken)) if effect.recomputes else 0
        priced = price_the_unpriced()
    said = f"{len(taken.prices):,} prices were stored. Jobs with a cost computed again: {recomputed:,}."
    messages.success(request, f"{said} Jobs that have a cost now and had none before: {priced:,}.")
    return redirect("admin:jobs_modelprice_changelist")


def _show(request: ConsoleRequest, form: forms.Form, **context: Any) -> HttpResponse:
    fields = AdminForm(form, [(None, {"fields": list(form.fields)})], {})  # type: ignore[arg-type] # takes any form
    page = {"title": "Import prices from AWS", "opts": ModelPrice._meta, "form": form, "fields": fields, **context}
    return render(request, "admin/price_import.html", admin.site.each_context(request) | page)
