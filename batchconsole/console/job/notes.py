"""Add and remove notes on a job's page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job.views import find_job
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, JobNote
from batchconsole.jobs.notes import add_note, remove_note


@drafts.takes_drafts_on("job-detail")
@require_POST
def add(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Add the note and return to the job. The page's form does not send a text that would be refused."""
    job = find_job(request, pk)
    try:
        add_note(job, request.user, request.POST.get("text", ""))
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, "The note was added.")
    return redirect(notes_of(job))


@require_POST
def remove(request: ConsoleRequest, connection: str, pk: int, note: int) -> HttpResponse:
    notes = JobNote.objects.select_related("job__connection")
    found = get_object_or_404(notes, job__connection=request.connection, job=pk, pk=note)
    try:
        remove_note(found, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, "The note was removed. The activity of the job keeps its text.")
    return redirect(notes_of(found.job))


def notes_of(job: BatchJob) -> str:
    return f"{job.get_absolute_url()}?tab=details#notes"
