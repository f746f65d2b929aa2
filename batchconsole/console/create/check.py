"""Checking the input that the create form names."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.console.create.forms import JobForm
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import begin


@require_POST
def start_input_check(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Check the input that the create form names now, and show how that goes."""
    form = JobForm(request.POST, connection=request.connection)
    return render(
        request, "console/input_checks/_input_check.html", begin(form, request.connection, actor=request.user)
    )
