"""Job templates in the create form: opening the form with one, and saving the form as one."""

from django.contrib import messages
from django.http import Http404

from batchconsole.console.create.forms import JobForm, initial_of_template
from batchconsole.console.create.other_models import LEFT_OUT
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number, read_numbers
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.job_templates import change_template, save_template
from batchconsole.jobs.models import JobTemplate


def templates_of(request: ConsoleRequest) -> list[JobTemplate]:
    """Return the templates that the form offers, by name."""
    return list(JobTemplate.objects.filter(connection=request.connection).only("name"))


def initial_of_asked(request: ConsoleRequest) -> dict[str, object]:
    """Return the initial values from the template that the query string names, or raise Http404."""
    pk = read_number(request.GET["template"])
    template = JobTemplate.objects.filter(connection=request.connection, pk=pk).select_related("connection").first()
    if template is None:
        raise Http404("There is no such job template.")
    return initial_of_template(template)


def save_as_template(request: ConsoleRequest) -> JobForm:
    """Save the posted form as a template; return the form to show, with the errors or as it was filled in."""
    form = JobForm(request.POST, connection=request.connection)
    template = None
    if form.keep_only_errors_for_template():
        try:
            template = _save(request, form)
        except UserError as error:
            form.add_error(error.field if error.field in form.fields else "keep_as", sentences(error))
    if template is None:
        form.focus_first_error()
        return form
    messages.success(request, f"The job template {template} was saved. No job has been created.")
    if form["other_model_ids"].value():
        messages.warning(request, f"The job template {template} keeps one model. {LEFT_OUT}")
    data = request.POST.copy()
    data["keep_as"], data["template_seen"] = template.name, f"{template.pk}-{template.version}"
    shown = JobForm.draft(data, connection=request.connection)
    shown.focus("keep_as")
    return shown


def _save(request: ConsoleRequest, form: JobForm) -> JobTemplate:
    """Change the template that the form was opened with, if the name is still its name; else save a new one."""
    name, asked = form.cleaned_data.get("keep_as", ""), form.template_request
    check_input = form.cleaned_data["check_input"]
    pk, version, *_ = [*read_numbers(form.cleaned_data.get("template_seen", "").split("-")), 0, 0]
    opened = JobTemplate.objects.filter(connection=request.connection, pk=pk, name=name).first()
    if opened is None:
        return save_template(request.connection, request.user, name, request=asked, check_input=check_input)
    change_template(opened, request.user, request=asked, check_input=check_input, version=version)
    return opened
