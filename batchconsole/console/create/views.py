"""The create-job page: opening, filling in and submitting the form, and endpoints for its parts."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template import Context
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.create.aws_checks import check_field, check_form
from batchconsole.console.create.forms import JobForm, initial_of, initial_of_correction
from batchconsole.console.create.new_role import with_role
from batchconsole.console.create.offers import OFFERS, known_offer, offer
from batchconsole.console.create.other_models import LEFT_OUT
from batchconsole.console.create.split import is_split, start_split
from batchconsole.console.create.templates import initial_of_asked, save_as_template, templates_of
from batchconsole.console.frame import drafts, put_aside
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.input_checks.panel import begin, shown_before
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.fields import S3UriField
from batchconsole.console.kit.layout import AwsSelect
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.page_form import Part
from batchconsole.console.kit.steps import Shown, take_step
from batchconsole.console.models.search import ModelSearch
from batchconsole.console.models.summary import summary_context
from batchconsole.console.roles.access import check_access
from batchconsole.console.roles.policy import role_policy
from batchconsole.console.s3.browser import read_page
from batchconsole.console.s3.chooser import CHOOSERS, chooser_context, input_limits, storage_of
from batchconsole.console.s3.places import Place
from batchconsole.jobs import lifecycle
from batchconsole.jobs.cloning import name_of_clone, name_of_resend, name_of_test
from batchconsole.jobs.correcting import can_correct, field_at_fault
from batchconsole.jobs.costs.spending import spendings
from batchconsole.jobs.definition import as_cli
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Comparison, InputSplit, Right
from batchconsole.jobs.outputs import comparing
from batchconsole.jobs.same_request import made_before

# The fields of the form that a job on demand has too, and a test run before the batch.
ON_DEMAND_FIELDS = ("job_name", "model_id", "model_invocation_type", "input_s3_uri", "output_s3_uri", "resend_of")
TEST, TEST_RECORDS = "test", 5
# IAM's error code for a new role whose name is taken.
ROLE_EXISTS = "EntityAlreadyExists"


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def job_create(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show or submit the create-job form.

    The form opens blank, from a template (``?template=<key>``), as a clone (``?clone=<job>``), as a correction
    (``?correct=<job>``), or with fields from the query string. A POST is a step of filling it in, or the submission.
    Users may leave to make the input and return to the form as it was (``?resume=1``).
    """
    draft = drafts.restored(request)
    if draft is not None:
        return _show(request, JobForm.draft(draft, connection=request.connection), is_dirty=True)
    if request.method != "POST":
        return _opened(request)
    if "make_input" in request.POST:
        put_aside.put_aside(request, dict(JobForm.draft(request.POST, connection=request.connection).initial))
        return redirect(_way_to_input(request))
    if "on_demand" in request.POST:
        put_aside.put_aside(request, dict(JobForm.draft(request.POST, connection=request.connection).initial))
        return redirect(_way_to_on_demand(request))
    if "save_template" in request.POST:
        return _show(request, save_as_template(request), is_dirty=True)
    if "save_as_schedule" in request.POST:
        return _go_to_schedule(request)
    step = take_step(request.POST)
    if step is None:
        return _submit(request)
    data, shown = step
    form = JobForm.draft(data, connection=request.connection)
    form.focus(shown.focus)
    return _show(request, form, **_beside(request, form, shown, data))


def _go_to_schedule(request: ConsoleRequest) -> HttpResponse:
    """Go to the form of a schedule with the values of this one, which may have more models."""
    typed = dict(JobForm.draft(request.POST, connection=request.connection).initial)
    put_aside.put_aside(request, typed)
    if typed.get("other_model_ids"):
        messages.warning(request, f"A schedule creates jobs of one model. {LEFT_OUT}")
    url = reverse("schedule-create", args=[request.connection.name])
    return redirect(f"{url}?{urlencode(put_aside.mark(request))}")


def _way_to_input(request: ConsoleRequest) -> str:
    """Return the URL of the page that makes input, or merges files of it; it leads back to the form."""
    mark, name = put_aside.mark(request), request.connection.name
    if request.POST["make_input"] != "merge":
        return f"{reverse('input-new', args=[name])}?{urlencode(mark)}"
    folder = request.POST.get("input_s3_uri", "")
    return f"{reverse('input-merge', args=[name])}?{urlencode({'folder': folder, **mark})}"


def _way_to_on_demand(request: ConsoleRequest) -> str:
    """Return the URL of the page that runs the form's records on demand: all of them, or the first ones as a test."""
    typed = {name: request.POST.get(name, "").replace("\0", "").strip() for name in ON_DEMAND_FIELDS}
    named = {name: value for name, value in typed.items() if value}
    if request.POST["on_demand"] == TEST:
        named["records"] = str(TEST_RECORDS)
        named["job_name"] = name_of_test(request.connection, named.get("job_name", ""))
    return f"{reverse('job-on-demand', args=[request.connection.name])}?{urlencode(named)}"


def _opened(request: ConsoleRequest) -> HttpResponse:
    """Show the form for a GET request; for a job to correct, show its error, at the field at fault if it is known."""
    if "correct" not in request.GET:
        return _show(request, JobForm(connection=request.connection, initial=_initial(request)))
    job = find_named(request, "correct")
    if not can_correct(job):
        raise Http404(f"{job.job_name} is not to be corrected: AWS has taken it.")
    form = JobForm(connection=request.connection, initial=initial_of_correction(job))
    words, field = sentences({"message": job.message, "hint": job.hint}), field_at_fault(job)
    if field in form.fields:
        form.warn(field, words)
        form.focus(field)
    elif job.message:
        messages.warning(request, words)
    return _show(request, form)


def find_named(request: ConsoleRequest, name: str) -> BatchJob:
    """Return the job whose key is in the query parameter *name*, or raise Http404."""
    key = read_number(request.GET.get(name, ""))
    job: BatchJob | None = BatchJob.objects.filter(connection=request.connection, pk=key).first()
    if job is None:
        raise Http404(f"There is no such job to {name}.")
    return job


def _initial(request: ConsoleRequest) -> dict[str, Any]:
    """Return the form's initial values from the query string and from what was put aside."""
    initial = put_aside.taken_up(request)
    if request.GET.get("template"):
        initial = initial_of_asked(request)
    elif request.GET.get("clone"):
        job = find_named(request, "clone")
        initial = initial_of(job)
        if "resend_of" in request.GET:
            initial["job_name"] = name_of_resend(request.connection, job.job_name)
        else:
            initial |= {"clone_of": job.pk, "job_name": name_of_clone(request.connection, job.job_name)}
    named = {name: request.GET[name] for name in JobForm.base_fields if name in request.GET}
    return initial | named


def _beside(request: ConsoleRequest, form: JobForm, shown: Shown, data: QueryDict) -> dict[str, Any]:
    """Return the context for what a step shows beside the form."""
    connection = request.connection
    context = choices_beside(request, form, shown, data)
    if shown.command:
        context["command"] = as_cli(request.connection, form.draft_request)
    if shown.check:
        context |= begin(JobForm(data, connection=connection), connection, actor=request.user)
    if shown.access:
        context["access"] = check_access(JobForm(data, connection=connection), connection, request.user)
    if shown.policy:
        context["policy"] = role_policy(JobForm(data, connection=connection), connection, request.user)
    return context


def choices_beside(request: ConsoleRequest, form: JobForm, shown: Shown, data: QueryDict) -> dict[str, Any]:
    """Return the context for the lists, the S3 chooser and the model picker that a step shows beside the form."""
    context: dict[str, Any] = {"is_dirty": True}
    for name in shown.load:
        _offer(request, form, name)
    if shown.chooser in CHOOSERS:
        limits = input_limits(request, shown.chooser, data)
        page = read_page(storage_of(request), Place.read(QueryDict(shown.place)), limits=limits)
        context |= chooser_context(page, shown.chooser, surface="inline")
    if shown.picker is not None:
        search = ModelSearch.read(request.connection, request.user, query=shown.picker)
        context |= {"picker": search, "surface": "inline"}
    return context


def take_known_offers(request: ConsoleRequest, form: JobForm) -> None:
    """Show lists from AWS that are cached, if the form is shown again after a POST."""
    for name in OFFERS.keys() - form.offers.keys() if request.method == "POST" else ():
        known = known_offer(name, form.connection)
        if known:
            form.take_offer(name, known)


def _show(request: ConsoleRequest, form: JobForm, **context: Any) -> HttpResponse:
    """Render the page with *form*. Lists from AWS are loaded later: by script, or by a button without JavaScript."""
    take_known_offers(request, form)
    if request.connection.service_roles or not request.user.has_perm(Right.ROLES, request.connection):
        form.offer_no_new_role()
    context |= summary_context(request.connection, str(form["model_id"].value() or ""))
    check = shown_before(request.connection, (request.POST or request.GET).get("input_check", ""))
    context["budgets"] = spendings(request.connection, request.user)
    context["templates"] = templates_of(request)
    context["opened"] = str(form["template_seen"].value() or "").partition("-")[0]
    return render(request, "console/create/job_create.html", {"form": form, **check, **context})


def _offer(request: ConsoleRequest, form: JobForm, name: str) -> None:
    if name in OFFERS:
        form.take_offer(name, offer(name, form.connection, request.user))


def _sent_before(request: ConsoleRequest) -> BatchJob | Comparison | InputSplit | None:
    """Return what this form, submitted twice, has already created, or None; a job's name must match too."""
    token, name = (request.POST.get(each, "").strip() for each in ("request_token", "job_name"))
    if "\0" in token + name:  # which PostgreSQL does not store, so no job has it
        return None
    if is_split(request):
        return made_before(InputSplit, request.connection, request.user, token)
    compared = made_before(Comparison, request.connection, request.user, token)
    if compared:
        return compared
    mine = BatchJob.objects.filter(connection=request.connection, created_by=request.user, job_name=name)
    return mine.filter(client_request_token=token).first() if token else None


def _submit(request: ConsoleRequest) -> HttpResponse:
    made = _sent_before(request)
    if made:
        return redirect(made)
    try:
        return _submit_first(request)
    except IntegrityError:  # a concurrent request with the same form was first
        made = _sent_before(request)
        if made is None:
            raise
        return redirect(made)


def _submit_first(request: ConsoleRequest) -> HttpResponse:
    form = JobForm(request.POST, connection=request.connection)
    doubts = check_form(form, request.user) if form.is_valid() else []
    if not form.is_valid():
        form.focus_first_error()
        return _show(request, form, is_dirty=True)
    try:
        made = start_split(request, form) if is_split(request) else _create(request, form)
    except UserError as error:
        words = sentences(error)
        form.add_error(error.field if error.field in form.fields else None, words)
        form.focus_first_error()
        return _show(request, form, is_dirty=True)
    except AwsError as error:
        if error.code != ROLE_EXISTS:
            return _show(request, form, is_dirty=True, aws_error=error)
        form.add_error("role_name", sentences(error))
        form.focus_first_error()
        return _show(request, form, is_dirty=True)
    if form.warnings:
        messages.warning(request, _doubtful(form))
    for doubt in doubts[:1]:
        messages.warning(request, f"Not everything could be checked. {sentences(doubt)}")
    put_aside.forget(request)
    if isinstance(made, BatchJob):
        messages.success(request, f"The batch inference job {made.job_name} was created.")
    elif isinstance(made, Comparison):
        messages.success(request, f"{made.jobs.count()} batch inference jobs were created.")
    return redirect(made)


def _doubtful(form: JobForm) -> str:
    """Return the form's warnings as a message for a job that was created nevertheless, and how to correct it."""
    known = [f"{form.name_of(name)}: {words}" for name, texts in form.warnings.items() for words in texts]
    return " ".join([*known, "To change this, stop the job and clone it."])


def _create(request: ConsoleRequest, form: JobForm) -> BatchJob | Comparison:
    asked = with_role(request, form, form.request)
    if form.cleaned_data["other_model_ids"]:
        return comparing.start_comparison(
            request.connection,
            request.user,
            asked,
            other_model_ids=form.cleaned_data["other_model_ids"],
            check_input=form.cleaned_data["check_input"],
            start_at=form.cleaned_data["start_at"],
            clone_of=form.cleaned_data["clone_of"],
            request_token=form.cleaned_data["request_token"],
        )
    return lifecycle.create_job(
        connection=request.connection,
        actor=request.user,
        request=replace(asked, client_request_token=form.cleaned_data["request_token"]),
        check_input=form.cleaned_data["check_input"],
        resend_of=form.cleaned_data["resend_of"],
        clone_of=form.cleaned_data["clone_of"],
        start_at=form.cleaned_data["start_at"],
    )


@require_POST
def job_command(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the AWS CLI command for the form's current values, valid or not."""
    form = JobForm.draft(request.POST, connection=request.connection)
    return render(
        request, "console/create/_job_command.html", {"command": as_cli(request.connection, form.draft_request)}
    )


@require_safe
def job_field(request: ConsoleRequest, connection: str, name: str) -> HttpResponse:
    """Render one field with its current value and a fresh list of choices from AWS."""
    form = JobForm.draft(request.GET, connection=request.connection)
    part = next((part for part in form.parts() if isinstance(part, AwsSelect) and part.name == name), None)
    if part is None:
        raise Http404(f"The field {name} offers no list.")
    _offer(request, form, name)
    return HttpResponse(render_part(part, form))


@require_POST
def job_field_check(request: ConsoleRequest, connection: str, name: str) -> HttpResponse:
    """Render the errors and warnings of one field, from the form's rules and from AWS."""
    form = JobForm(request.POST, connection=request.connection)
    if name not in form.fields:
        raise Http404(f"The form has no field {name}.")
    form.full_clean()
    doubt = None if form.errors.get(name) else check_field(form, name, request.user)
    if doubt:
        form.warn(name, f"This could not be checked now. {sentences(doubt)}")
    return render(request, "cloudscape/_error.html", {"field": form[name], "taken": _taken_as(form, name)})


def _taken_as(form: JobForm, name: str) -> str:
    """Return the S3 URI that the form made of a location typed in another format, or an empty string."""
    typed, taken = form.data.get(name, ""), form[name].value()
    return taken if isinstance(form.fields[name], S3UriField) and taken != typed else ""


def render_part(part: Part, form: JobForm) -> str:
    """Render one part of the form's layout as HTML."""
    form.rendered_fields = set()  # type: ignore[attr-defined] # crispy sets this on forms that it renders
    form.crispy_field_template = None  # type: ignore[attr-defined] # as above
    return part.render(form, Context({}))
