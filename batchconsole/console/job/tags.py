"""The editor of a job's tags: a page of its own, or for htmx the part that replaces the table on the Tags tab."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.job.tags_form import JobTagsForm
from batchconsole.console.kit.answers import show, wants_part
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.steps import take_step
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.tags import ask_for_tags, current_tags, edit_tags

CHANGED = "The tags were changed after you opened this page. Save again to keep your values."


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show the editor, apply an editing step without script, or save and return to the Tags tab."""
    job = get_object_or_404(BatchJob.objects.select_related("connection"), connection=request.connection, pk=pk)
    draft = drafts.restored(request)
    if draft is not None:
        return _show(request, job, JobTagsForm.draft(draft, job=job), is_dirty=True)
    if request.method != "POST":
        return _open(request, job)
    step = take_step(request.POST)
    if step:
        data, shown = step
        form = JobTagsForm.draft(data, job=job)
        form.focus(shown.focus)
        return _show(request, job, form, is_dirty=True)
    return _save(request, job)


@require_POST
def read(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Read the job's tags from AWS again."""
    job = get_object_or_404(BatchJob.objects.select_related("connection"), connection=request.connection, pk=pk)
    try:
        ask_for_tags(job, request.user)
    except (AwsError, UserError) as error:
        messages.error(request, f"The tags could not be read. {sentences(error)}")
    else:
        messages.success(request, f"The tags of {job.job_name} were read.")
    return redirect(f"{job.get_absolute_url()}?tab=tags")


def _open(request: ConsoleRequest, job: BatchJob) -> HttpResponse:
    """Show the editor with the current tags from AWS, not the tags the job was created with."""
    try:
        form = JobTagsForm.of(job, current_tags(job))
    except AwsError as error:
        return _show(request, job, None, aws_error=error)
    return _show(request, job, form)


def _save(request: ConsoleRequest, job: BatchJob) -> HttpResponse:
    form = JobTagsForm(request.POST, job=job)
    if not form.is_valid():
        return _show(request, job, form)
    try:
        now = current_tags(job)
        conflicts = form.conflicts(now)
        if conflicts:
            form.take_as_seen(now)
            form.add_error(None, " ".join([CHANGED, *conflicts]))
            return _show(request, job, form)
        edit_tags(job, request.user, form.applied_to(now))
    except UserError as error:
        form.add_error(None, sentences(error))
    except AwsError as error:
        return _show(request, job, form, aws_error=error)
    else:
        messages.success(request, f"The tags of {job.job_name} were changed.")
        tab = f"{job.get_absolute_url()}?tab=tags"
        return HttpResponseClientRedirect(tab) if wants_part(request) else redirect(tab)
    return _show(request, job, form)


def _show(request: ConsoleRequest, job: BatchJob, form: JobTagsForm | None, **context: Any) -> HttpResponse:
    context |= {"job": job, "form": form}
    return show(request, "console/job/job_tags.html", context, part="console/job/_tag_editor.html")
