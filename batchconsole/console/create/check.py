"""Checking the input data given in the create form."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from batchconsole.console.create.forms import JobForm
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import begin


@require_POST
def start_input_check(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Start an input check with the current values of the create form, and return the panel with its progress."""
    form = JobForm(request.POST, connection=request.connection)
    return render(
        request, "console/input_checks/_input_check.html", begin(form, request.connection, actor=request.user)
    )
