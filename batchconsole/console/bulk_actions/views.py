"""The self-updating pages of bulk actions: the list, and one action with the outcome of each job."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from batchconsole.console.bulk_actions.page import BulkActionList, BulkActionPage
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs import bulk_actions
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BulkAction


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    """List the bulk actions of one connection, including finished ones."""
    shown = BulkActionList(request.connection, request.GET, page_size=request.preferences.page_size)
    return answer(request, shown, "bulk_action_list")


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return answer(request, BulkActionPage(find_bulk_action(request, pk), request.GET), "bulk_action")


@require_POST
def cancel(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Skip the remaining jobs."""
    action = find_bulk_action(request, pk)
    try:
        left = bulk_actions.cancel_rest(action, request.user)
    except UserError as error:
        messages.warning(request, sentences(error))
    else:
        messages.success(request, said(action, left))
    return redirect(action)


def find_bulk_action(request: ConsoleRequest, pk: int) -> BulkAction:
    actions = BulkAction.objects.select_related("connection", "created_by", "cancelled_by")
    action: BulkAction = get_object_or_404(actions, connection=request.connection, pk=pk)
    return action


def answer(request: ConsoleRequest, shown: BulkActionList | BulkActionPage, template: str) -> HttpResponse:
    """Return the page; to its script, return the part that updates, or 204 if it is unchanged."""
    return show(request, f"console/bulk_actions/{template}.html", {"shown": shown}, version=shown.version)


def said(action: BulkAction, left: int) -> str:
    """Tell the user what skipping the remaining jobs did; *left* is the number of jobs skipped."""
    if not action.is_finished:
        return "The remaining jobs are skipped. The job being stopped now is finished first."
    if not left:
        return "Nothing to cancel: all jobs have been processed."
    return f"Skipped the remaining {left:,} job{'' if left == 1 else 's'}."
