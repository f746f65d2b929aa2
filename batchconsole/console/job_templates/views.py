"""The list of a connection's job templates, and the dialogs that save a job as one, rename one or delete one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from batchconsole.console.frame import drafts
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_templates import delete_template, rename_template, save_template
from batchconsole.jobs.models import BatchJob, JobTemplate
from batchconsole.jobs.models.job_template import LONGEST_NAME

FOLDER = "console/job_templates"
LIST = "job-template-list"


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    found = JobTemplate.objects.filter(connection=request.connection).select_related("connection", "changed_by")
    return show(request, f"{FOLDER}/job_templates.html", {"templates": list(found)})


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def save(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask for the name; on POST, save the job's definition as a template."""
    jobs = BatchJob.objects.select_related("connection")
    job = get_object_or_404(jobs, connection=request.connection, pk=pk)
    typed = drafts.restored(request) or request.POST
    context = {"job": job, "name": typed.get("name", job.job_name), "longest": LONGEST_NAME}
    if request.method != "POST":
        return show(request, f"{FOLDER}/save.html", context)
    try:
        made = save_template(
            request.connection, request.user, context["name"], request=job.request, check_input=job.check_input
        )
    except UserError as error:
        return show(request, f"{FOLDER}/save.html", context | {"error": sentences(error)})
    messages.success(request, f"The job template {made} was saved.")
    return redirect(LIST, connection)


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask for the new name; on POST, rename the template."""
    templates = JobTemplate.objects.select_related("connection")
    template = get_object_or_404(templates, connection=request.connection, pk=pk)
    typed = drafts.restored(request) or request.POST
    before, name = template.name, typed.get("name", template.name)
    context = {"template": template, "name": name, "longest": LONGEST_NAME}
    if request.method != "POST":
        return show(request, f"{FOLDER}/rename.html", context)
    try:
        rename_template(template, request.user, name)
    except UserError as error:
        return show(request, f"{FOLDER}/rename.html", context | {"error": sentences(error)})
    messages.success(request, f"The job template {before} was renamed to {template}.")
    return redirect(LIST, connection)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask for confirmation; on POST, delete the template."""
    templates = JobTemplate.objects.select_related("connection")
    template = get_object_or_404(templates, connection=request.connection, pk=pk)
    if request.method != "POST":
        return show(request, f"{FOLDER}/delete.html", {"template": template})
    try:
        delete_template(template, request.user)
    except UserError as error:
        messages.error(request, sentences(error))
    else:
        messages.success(request, f"The job template {template} was deleted.")
    return redirect(LIST, connection)
