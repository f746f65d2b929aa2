"""Stop, hold, release, archive, unarchive, tag or clone the jobs selected in the list, or all that match its filter."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from batchconsole.console.bulk_actions.hold import confirm_hold
from batchconsole.console.bulk_actions.stop import confirm
from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.bulk_actions.tag import confirm_tags
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.links import back_to
from batchconsole.jobs.models import BulkAction

Kind = BulkAction.Kind
WORDS = {
    Kind.STOP: "stop",
    Kind.HOLD: "hold",
    Kind.UNHOLD: "release",
    Kind.ARCHIVE: "archive",
    Kind.UNARCHIVE: "bring back",
    Kind.TAG: "tag",
    Kind.CLONE: "clone",
}


@require_http_methods(["GET", "HEAD", "POST"])
def selected(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Stop the jobs selected in the list, or all that match its filter."""
    return _ask(request, Kind.STOP, confirm)


@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.HOLD, confirm_hold)


@require_http_methods(["GET", "HEAD", "POST"])
def unhold(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.UNHOLD, confirm_hold)


@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.ARCHIVE, confirm_hold)


@require_http_methods(["GET", "HEAD", "POST"])
def unarchive(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.UNARCHIVE, confirm_hold)


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def tag(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.TAG, confirm_tags)


@require_http_methods(["GET", "HEAD", "POST"])
def clone(request: ConsoleRequest, connection: str) -> HttpResponse:
    return _ask(request, Kind.CLONE, confirm_hold)


def _ask(request: ConsoleRequest, kind: str, confirm: Callable[..., HttpResponse]) -> HttpResponse:
    """Show the confirmation page, or redirect with a message if no jobs are selected or a filter is invalid."""
    data = request.POST if request.method == "POST" else drafts.find(request) or request.GET
    question = StopQuestion(request.connection, data, kind)
    back = request.connection.get_absolute_url()
    if question.is_unclear:
        messages.error(request, f"Unknown filters: {', '.join(question.filter.dropped)}.")
        return redirect(back_to(request, back))
    if not question.matches_all and not question.jobs.exists():
        messages.warning(request, f"Select the jobs to {WORDS[Kind(kind)]} first.")
        return redirect(back_to(request, back))
    return confirm(request, question, back=back)
