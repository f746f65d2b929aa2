"""Stopping the jobs that are selected in the list, or all that match its filter."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from batchconsole.console.bulk_actions.stop import confirm
from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.links import back_to


@require_http_methods(["GET", "HEAD", "POST"])
def selected(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The jobs ticked in the list, or all that match its filter."""
    question = StopQuestion(request.connection, request.POST if request.method == "POST" else request.GET)
    back = request.connection.get_absolute_url()
    if question.is_unclear:
        messages.error(request, f"Unknown filters: {', '.join(question.filter.dropped)}.")
        return redirect(back_to(request, back))
    if not question.matches_all and not question.jobs.exists():
        messages.warning(request, "Select the jobs to stop first.")
        return redirect(back_to(request, back))
    return confirm(request, question, back=back)
