"""Confirm and stop jobs from the list or a job's page: a full page without JavaScript, the body of a dialog with it.

A single job is stopped during the request; several become a bulk action, whose page shows the outcome of each.
"""

from functools import partial

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html

from batchconsole.aws.errors import AwsError
from batchconsole.console.bulk_actions.stop_question import StopQuestion
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.links import back_to
from batchconsole.console.kit.sent_twice import request_mark
from batchconsole.jobs import bulk_actions, lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, BulkAction, Status
from batchconsole.jobs.same_request import made_before, made_once


def confirm(request: ConsoleRequest, question: StopQuestion, *, back: str) -> HttpResponse:
    """Show the confirmation; on POST, stop the jobs and redirect to *back*."""
    back = back_to(request, back)
    if request.method == "POST":
        mark = request_mark(request.POST)
        action = made_before(BulkAction, request.connection, request.user, mark)
        if action is not None:
            say_progress(request, action)
        elif len(question.named) < 2:
            stop_one(request, question)
        else:
            stop_many(request, question, mark)
        return redirect(back)
    return show(request, "console/bulk_actions/job_stop.html", {"question": question, "back": back})


def stop_one(request: ConsoleRequest, question: StopQuestion) -> None:
    """Stop the only stoppable job, while the user waits."""
    if not question.named:
        messages.info(request, "No jobs to stop: all of them had ended or were being stopped already.")
        return
    job = question.named[0]
    try:
        lifecycle.stop(job, request.user)
    except (UserError, AwsError) as error:
        messages.error(request, f"{job.job_name} could not be stopped. {sentences(error)}")
    else:
        messages.success(request, f"The job {job.job_name} {became(job)}.")


def became(job: BatchJob) -> str:
    """Say what happened to a job after a request to stop it."""
    if job.status == Status.CANCELLED:
        return "was cancelled"
    return "had already ended" if job.is_ended else "is being stopped"


def stop_many(request: ConsoleRequest, question: StopQuestion, mark: str) -> None:
    """Create a bulk action for the workers, and show a message that links to its page."""
    make = partial(
        bulk_actions.request_stop,
        connection=request.connection,
        actor=request.user,
        jobs=question.jobs,
        query=question.match,
        matched_all=question.matches_all,
        request_token=mark,
    )
    try:
        action = made_once(BulkAction, request.connection, request.user, token=mark, make=make)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        say_progress(request, action)


def say_progress(request: ConsoleRequest, action: BulkAction) -> None:
    are = "job is" if action.job_count == 1 else "jobs are"
    text = f"{action.job_count:,} {are} being stopped."
    messages.success(request, format_html('{} <a href="{}">View progress</a>', text, action.get_absolute_url()))
