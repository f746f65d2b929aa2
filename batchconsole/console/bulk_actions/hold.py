"""Confirm holding, releasing, archiving, restoring or cloning the selected jobs, and start the bulk action."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html

from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.links import back_to
from batchconsole.console.kit.sent_twice import request_mark
from batchconsole.jobs import bulk_actions
from batchconsole.jobs.bulk_actions import NOTHING_TO_DO
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BulkAction
from batchconsole.jobs.same_request import made_once

DONE = {
    BulkAction.Kind.HOLD: "held",
    BulkAction.Kind.UNHOLD: "released",
    BulkAction.Kind.ARCHIVE: "archived",
    BulkAction.Kind.UNARCHIVE: "brought back",
    BulkAction.Kind.TAG: "tagged",
    BulkAction.Kind.CLONE: "cloned",
}


def confirm_hold(request: ConsoleRequest, question: StopQuestion, *, back: str) -> HttpResponse:
    """Show the confirmation; on POST, create the bulk action for the workers and redirect to *back*."""
    back = back_to(request, back)
    if request.method != "POST":
        kind = BulkAction.Kind(question.kind)
        context = {"question": question, "back": back, "verb": kind.label, "nothing": NOTHING_TO_DO[kind][1]}
        return show(request, "console/bulk_actions/job_hold.html", context)
    try:
        request_once(request, question, bulk_actions.request_bulk_action)
    except UserError as error:
        messages.error(request, sentences(error))
    return redirect(back)


def request_once(request: ConsoleRequest, question: StopQuestion, make: Callable[..., BulkAction]) -> None:
    """Create the bulk action by *make*, once per form, and tell the user where its progress is. Raises UserError."""
    mark = request_mark(request.POST)
    make = partial(
        make,
        question.kind,
        connection=request.connection,
        actor=request.user,
        jobs=question.jobs,
        query=question.match,
        matched_all=question.matches_all,
        request_token=mark,
        comment=request.POST.get("comment", ""),
    )
    action = made_once(BulkAction, request.connection, request.user, token=mark, make=make)
    are = "job is" if action.job_count == 1 else "jobs are"
    text = f"{action.job_count:,} {are} being {DONE[BulkAction.Kind(action.kind)]}."
    messages.success(request, format_html('{} <a href="{}">View progress</a>', text, action.get_absolute_url()))
