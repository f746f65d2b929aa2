"""The models pages, the picker of the create form, and the one-line summary of a model id."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show, wants_part
from batchconsole.console.models.choices import model_prices
from batchconsole.console.models.samples import samples
from batchconsole.console.models.search import ModelSearch
from batchconsole.console.models.summary import summary_context
from batchconsole.console.models.table import ModelTable
from batchconsole.jobs.queue.limits import limits_for


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the catalog; for the page's own filter and links, only its table."""
    table = ModelTable(request.connection, request.user, query=request.GET, page_size=request.preferences.page_size)
    context = {"table": table, "picker": table.search}
    response = show(request, "console/models/models.html", context, part="console/models/_model_list.html")
    return push_url(response, table.url) if wants_part(request) else response


@require_safe
def detail(request: ConsoleRequest, connection: str, model_id: str) -> HttpResponse:
    """Show one model: limits, prices, and a sample record for each invocation type."""
    search = ModelSearch.read(request.connection, request.user, query=request.GET)
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
    return render(request, "console/models/model.html", context)


@require_safe
def picker(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Return the body of the Select model dialog, or only its results."""
    context = {"picker": ModelSearch.read(request.connection, request.user, query=request.GET), "surface": "dialog"}
    part = request.htmx and request.htmx.target == "model-results"
    return render(
        request, "console/models/_model_results.html" if part else "console/models/_model_picker.html", context
    )


@require_safe
def summary(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Return the summary of the model id typed into the form."""
    context = summary_context(request.connection, request.GET.get("model_id", "").strip())
    return render(request, "console/models/_model_summary.html", context)
