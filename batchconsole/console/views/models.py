"""Models: the catalogue as a page, the picker of the create form, and one line on what an id means."""

from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.console.model_choices import ModelChoice, by_provider, model_choices, refusal
from batchconsole.console.offers import offered_models
from batchconsole.console.samples import samples
from batchconsole.jobs.limits import limits_for
from batchconsole.jobs.models import Connection
from batchconsole.jobs.prices import price_for
from batchconsole.records import catalogue


@dataclass
class Picker:
    """The models that match a search, by provider."""

    connection: Connection
    query: QueryDict
    error: AwsError | None = None
    choices: list[ModelChoice] = field(default_factory=list)

    @classmethod
    def read(cls, connection: Connection, query: QueryDict) -> "Picker":
        offered, error = offered_models(connection.target)
        return cls(connection, query, error, model_choices(connection.region, offered))

    @property
    def find(self) -> str:
        return self.query.get("find", "").strip()

    @property
    def provider(self) -> str:
        name = self.query.get("provider", "")
        return name if name in self.providers else ""

    @property
    def modality(self) -> str:
        name = self.query.get("modality", "")
        return name if name in self.modalities else ""

    @property
    def only_batch(self) -> bool:
        return "batch" in self.query

    @property
    def chosen(self) -> str:
        return self.query.get("model_id", "")

    @property
    def providers(self) -> list[str]:
        return list(dict.fromkeys(choice.model.provider for choice in self.choices))

    @property
    def modalities(self) -> list[str]:
        return list(dict.fromkeys(name for choice in self.choices for name in choice.modalities))

    @property
    def is_filtered(self) -> bool:
        return bool(self.find or self.provider or self.modality or self.only_batch)

    @property
    def matching(self) -> list[ModelChoice]:
        words = self.find.lower().split()
        return [
            choice
            for choice in self.choices
            if all(word in choice.text for word in words)
            and self.provider in ("", choice.model.provider)
            and self.modality in ("", *choice.modalities)
            and not (self.only_batch and choice.obstacle)
        ]

    @property
    def groups(self) -> list[tuple[str, list[ModelChoice]]]:
        return by_provider(self.matching)

    @property
    def price_date(self) -> Any:
        return next((choice.price.as_of for choice in self.choices if choice.price), None)


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The catalogue."""
    picker = Picker.read(request.connection, request.GET)
    return render(request, "console/models.html", {"picker": picker})


@require_safe
def detail(request: ConsoleRequest, connection: str, model_id: str) -> HttpResponse:
    """One model: limits, prices, and for each invocation type a sample record to copy."""
    picker = Picker.read(request.connection, request.GET)
    choice = next((choice for choice in picker.choices if choice.model.model_id == model_id), None)
    if choice is None:
        raise Http404(f"There is no model {model_id} in the catalogue of this version.")
    context = {
        "choice": choice,
        "limits": limits_for(request.connection, choice.model.model_id),
        "samples": samples(choice.model),
    }
    return render(request, "console/model.html", context)


@require_safe
def picker(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The body of the dialog Select model."""
    context = {"picker": Picker.read(request.connection, request.GET), "surface": "dialog"}
    part = request.htmx and request.htmx.target == "model-results"
    return render(request, "console/_model_results.html" if part else "console/_model_picker.html", context)


@require_safe
def summary(request: ConsoleRequest, connection: str) -> HttpResponse:
    """What the id typed into the form means."""
    context = summary_context(request.connection, request.GET.get("model_id", "").strip())
    return render(request, "console/_model_summary.html", context)


def summary_context(connection: Connection, model_id: str) -> dict[str, Any]:
    """What the template of the summary needs: the model, its price and what speaks against it, if it is known."""
    if not model_id:
        return {}
    return {
        "model_id": model_id,
        "chosen_model": catalogue.find(model_id),
        "chosen_price": price_for(model_id, connection.region),
        "chosen_obstacle": refusal(model_id, connection.region),
    }
