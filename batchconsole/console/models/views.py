"""Models: the catalogue as a page, the picker of the create form, and one line on what an id means."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.models.choices import model_prices, refusal
from batchconsole.console.models.samples import samples
from batchconsole.console.models.search import ModelSearch
from batchconsole.console.models.table import ModelTable
from batchconsole.jobs.limits import limits_for
from batchconsole.jobs.models import Connection
from batchconsole.jobs.prices import price_for
from batchconsole.records import catalogue


@require_safe
@vary_on_headers("HX-Request")
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The catalogue; asked by the page's own filter and links, its table only."""
    table = ModelTable(request.connection, request.GET, page_size=request.preferences.page_size)
    context = {"table": table, "picker": table.search}
    if not request.htmx:
        return render(request, "console/models.html", context)
    return push_url(render(request, "console/_model_list.html", context), table.url)


@require_safe
def detail(request: ConsoleRequest, connection: str, model_id: str) -> HttpResponse:
    """One model: limits, prices, and for each invocation type a sample record to copy."""
    search = ModelSearch.read(request.connection, request.GET)
    choice = next((choice for choice in search.choices if choice.model.model_id == model_id), None)
    if choice is None:
        raise Http404(f"There is no model {model_id} in the catalogue of this version.")
    context = {
        "choice": choice,
        "aws_error": search.error,
        "prices": model_prices(choice, request.connection.region),
        "limits": limits_for(request.connection, choice.model.model_id),
        "samples": samples(choice.model),
    }
    return render(request, "console/model.html", context)


@require_safe
def picker(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The body of the dialog Select model."""
    context = {"picker": ModelSearch.read(request.connection, request.GET), "surface": "dialog"}
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
