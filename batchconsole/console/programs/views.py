"""The page for developers who call a connection from programs."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.programs.page import Programs, latest_events


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    url = request.build_absolute_uri(reverse("aws-gateway", args=[request.connection.name, "x"])).removesuffix("/x")
    api_url = request.build_absolute_uri(reverse("api-v1:list_jobs", args=[request.connection.name]))
    files_url = request.build_absolute_uri(reverse("openai-files", args=[request.connection.name]))
    base_url = files_url.removesuffix("/files")
    batches_url = request.build_absolute_uri(reverse("anthropic-batches", args=[request.connection.name]))
    programs = Programs(
        request.connection,
        gateway_url=url,
        jobs_url=api_url,
        openai_url=base_url,
        anthropic_url=batches_url.removesuffix("/v1/messages/batches"),
    )
    context = {"programs": programs, "events": latest_events(request.connection, request.user)}
    return render(request, "console/programs/programs.html", context)
