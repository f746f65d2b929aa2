"""Queue actions on a job's page (hold, unhold, move to front, set priority), and archive and unarchive."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs import archiving
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.queue import waiting


@require_POST
def hold(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return _change(request, pk, lambda job: waiting.hold(job, request.user), "is held in the queue")


@require_POST
def unhold(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    comment = request.POST.get("comment", "")
    return _change(request, pk, lambda job: waiting.unhold(job, request.user, comment=comment), "was released")


@require_POST
def front(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return _change(request, pk, lambda job: waiting.move_to_front(job, request.user), "is first in its queue")


@require_POST
def priority(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    try:
        wanted = int(request.POST.get("priority", "")[:6])
    except ValueError:
        wanted = waiting.HIGHEST + 1  # out of range, so set_priority() refuses it with a message
    return _change(request, pk, lambda job: waiting.set_priority(job, request.user, wanted), "has a new priority")


@require_POST
def archive(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return _change(request, pk, lambda job: archiving.archive(job, request.user), "is archived")


@require_POST
def unarchive(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return _change(request, pk, lambda job: archiving.unarchive(job, request.user), "is back in the list")


def _change(request: ConsoleRequest, pk: int, verb: Callable[[BatchJob], None], became: str) -> HttpResponse:
    """Run *verb* on the job, report the result in a message and redirect to the job's page."""
    job = get_object_or_404(BatchJob.objects.select_related("connection"), connection=request.connection, pk=pk)
    try:
        verb(job)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, f"{job.job_name} {became}.")
    return redirect(job)
