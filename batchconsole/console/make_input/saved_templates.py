"""The saved prompt templates of a connection, and the versions of each."""

from django.contrib import messages
from django.db.models import Count, Max
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.inputs import prompt_templates
from batchconsole.jobs.models import PromptTemplate


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show every template, archived ones last."""
    kept = PromptTemplate.objects.filter(connection=request.connection)
    rows = kept.annotate(count=Count("versions"), saved_at=Max("versions__created_at"))
    found = sorted(rows, key=lambda template: (template.archived_at is not None, template.name.lower()))
    return render(request, "console/make_input/templates.html", {"templates": found})


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the versions of one template."""
    template = _find(request, pk)
    versions = template.versions.select_related("created_by", "template")
    return render(request, "console/make_input/template.html", {"template": template, "versions": versions})


@require_POST
def archive(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Offer the template no longer."""
    template = _find(request, pk)
    prompt_templates.archive_template(template, request.user)
    messages.success(request, f"{template} was archived.")
    return redirect(template)


@require_POST
def restore(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Offer an archived template again."""
    template = _find(request, pk)
    prompt_templates.restore_template(template, request.user)
    messages.success(request, f"{template} was restored.")
    return redirect(template)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show what is lost, or delete the archived template on POST."""
    template = _find(request, pk)
    if request.method == "POST":
        try:
            prompt_templates.delete_template(template, request.user)
        except UserError as error:
            messages.error(request, sentences(error))
            return redirect(template)
        messages.success(request, f"{template} was deleted.")
        return redirect(reverse("input-templates", args=[connection]))
    return render(request, "console/make_input/template_delete.html", {"template": template})


def _find(request: ConsoleRequest, pk: int) -> PromptTemplate:
    template: PromptTemplate = get_object_or_404(PromptTemplate, connection=request.connection, pk=pk)
    template.connection = request.connection
    return template
