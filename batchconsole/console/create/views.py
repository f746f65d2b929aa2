"""The create-job page: the form as it is opened, filled in, and submitted; and its parts that are asked for alone."""

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
from batchconsole.console.create.forms import (
    JobForm,
    free_name,
    initial_of,
    initial_of_correction,
    name_of_resend,
)
from batchconsole.console.create.offers import OFFERS, forget_offer, known_offer, offer
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
from batchconsole.jobs.correcting import can_correct, field_at_fault
from batchconsole.jobs.definition import as_cli
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Right
from batchconsole.jobs.service_roles import create_service_role
from batchconsole.jobs.spending import spendings

# IAM's word for a new role whose name is taken.
ROLE_EXISTS = "EntityAlreadyExists"


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def job_create(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The form: blank, cloned (``?clone=<job>``), corrected (``?correct=<job>``), with some fields in the query string,
    in a step, or submitted.

    From it a person may go off to make the input, and come back to the form as it was (``?resume=1``).
    """
    draft = drafts.restored(request)
    if draft is not None:
        return _show(request, JobForm.draft(draft, connection=request.connection), is_dirty=True)
    if request.method != "POST":
        return _opened(request)
    if "make_input" in request.POST:
        put_aside.put_aside(request, dict(JobForm.draft(request.POST, connection=request.connection).initial))
        return redirect(f"{reverse('input-new', args=[connection])}?{urlencode(put_aside.mark(request))}")
    step = take_step(request.POST)
    if step is None:
        return _submit(request)
    data, shown = step
    form = JobForm.draft(data, connection=request.connection)
    form.focus(shown.focus)
    return _show(request, form, **_beside(request, form, shown, data))


def _opened(request: ConsoleRequest) -> HttpResponse:
    """The form as a link opens it. That of a job to correct says what is wrong, at the field where it can be told."""
    if "correct" not in request.GET:
        return _show(request, JobForm(connection=request.connection, initial=_initial(request)))
    job = _found(request, "correct")
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


def _found(request: ConsoleRequest, name: str) -> BatchJob:
    """The job whose key the parameter *name* of the URL holds."""
    key = read_number(request.GET.get(name, ""))
    job: BatchJob | None = BatchJob.objects.filter(connection=request.connection, pk=key).first()
    if job is None:
        raise Http404(f"There is no such job to {name}.")
    return job


def _initial(request: ConsoleRequest) -> dict[str, Any]:
    """What the URL asks to fill in."""
    initial = put_aside.taken_up(request)
    if request.GET.get("clone"):
        job = _found(request, "clone")
        initial = initial_of(job)
        if "resend_of" in request.GET:
            initial["job_name"] = name_of_resend(request.connection, job.job_name)
        else:
            initial |= {"clone_of": job.pk, "job_name": free_name(request.connection, job.job_name)}
    named = {name: request.GET[name] for name in JobForm.base_fields if name in request.GET}
    return initial | named


def _beside(request: ConsoleRequest, form: JobForm, shown: Shown, data: QueryDict) -> dict[str, Any]:
    """What a step shows beside the form."""
    connection = request.connection
    context: dict[str, Any] = {"is_dirty": True}
    for name in shown.load:
        _offer(request, form, name)
    if shown.chooser in CHOOSERS:
        limits = input_limits(request, shown.chooser, data)
        page = read_page(storage_of(request), Place.read(QueryDict(shown.place)), limits=limits)
        context |= chooser_context(page, shown.chooser, surface="inline")
    if shown.picker is not None:
        context |= {"picker": ModelSearch.read(connection, request.user, query=shown.picker), "surface": "inline"}
    if shown.command:
        context["command"] = as_cli(request.connection, form.draft_request)
    if shown.check:
        context |= begin(JobForm(data, connection=connection), connection, actor=request.user)
    if shown.access:
        context["access"] = check_access(JobForm(data, connection=connection), connection, request.user)
    if shown.policy:
        context["policy"] = role_policy(JobForm(data, connection=connection), connection, request.user)
    return context


def _show(request: ConsoleRequest, form: JobForm, **context: Any) -> HttpResponse:
    """The page with *form*. The lists of AWS come after it, or without script when they are asked for."""
    for name in OFFERS.keys() - form.offers.keys() if request.method == "POST" else ():
        known = known_offer(name, form.connection)
        if known:
            form.take_offer(name, known)
    if request.connection.service_roles or not request.user.has_perm(Right.ROLES, request.connection):
        form.offer_no_new_role()
    context |= summary_context(request.connection, str(form["model_id"].value() or ""))
    check = shown_before(request.connection, request.POST.get("input_check", ""))
    context["budgets"] = spendings(request.connection, request.user)
    return render(request, "console/create/job_create.html", {"form": form, **check, **context})


def _offer(request: ConsoleRequest, form: JobForm, name: str) -> None:
    if name in OFFERS:
        form.take_offer(name, offer(name, form.connection, request.user))


def _sent_before(request: ConsoleRequest) -> BatchJob | None:
    """The job that the same form has made already: a button pressed twice. Under another name it is another job."""
    token, name = request.POST.get("request_token", ""), request.POST.get("job_name", "").strip()
    mine = BatchJob.objects.filter(connection=request.connection, created_by=request.user, job_name=name)
    return mine.filter(client_request_token=token).first() if token else None


def _submit(request: ConsoleRequest) -> HttpResponse:
    job = _sent_before(request)
    if job:
        return redirect(job)
    try:
        return _submit_first(request)
    except IntegrityError:  # two at the same moment: the database has let one of them through
        job = _sent_before(request)
        if job is None:
            raise
        return redirect(job)


def _submit_first(request: ConsoleRequest) -> HttpResponse:
    form = JobForm(request.POST, connection=request.connection)
    doubts = check_form(form, request.user) if form.is_valid() else []
    if not form.is_valid():
        form.focus_first_error()
        return _show(request, form, is_dirty=True)
    try:
        job = _create(request, form)
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
    messages.success(request, f"The batch inference job {job.job_name} was created.")
    return redirect(job)


def _doubtful(form: JobForm) -> str:
    """What the person should know of a job that was created all the same, and how to mend it."""
    known = [f"{form.name_of(name)}: {words}" for name, texts in form.warnings.items() for words in texts]
    return " ".join([*known, "To change this, stop the job and clone it."])


def _create(request: ConsoleRequest, form: JobForm) -> BatchJob:
    """Make the role if one is asked for, then the job. A role once made stays chosen when the job is refused."""
    asked = form.request
    if form.makes_role:
        role_arn = create_service_role(
            request.connection,
            request.user,
            role_name=form.cleaned_data["role_name"],
            request=asked,
        )
        asked = replace(asked, role_arn=role_arn)
        form.use_role(role_arn)
        forget_offer("role_arn", request.connection)
        messages.success(request, f"The service role {form.cleaned_data['role_name']} was created.")
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
    """The AWS CLI command that would do what the form says now, whether or not that is right yet."""
    form = JobForm.draft(request.POST, connection=request.connection)
    return render(
        request, "console/create/_job_command.html", {"command": as_cli(request.connection, form.draft_request)}
    )


@require_safe
def job_field(request: ConsoleRequest, connection: str, name: str) -> HttpResponse:
    """One field that offers a list of AWS, with what is chosen now and the list as it is now."""
    form = JobForm.draft(request.GET, connection=request.connection)
    part = next((part for part in form.parts() if isinstance(part, AwsSelect) and part.name == name), None)
    if part is None:
        raise Http404(f"The field {name} offers no list.")
    _offer(request, form, name)
    return HttpResponse(render_part(part, form))


@require_POST
def job_field_check(request: ConsoleRequest, connection: str, name: str) -> HttpResponse:
    """What is wrong with one field of the form as it is filled in now, by the rules and as far as AWS knows."""
    form = JobForm(request.POST, connection=request.connection)
    if name not in form.fields:
        raise Http404(f"The form has no field {name}.")
    form.full_clean()
    doubt = None if form.errors.get(name) else check_field(form, name, request.user)
    if doubt:
        form.warn(name, f"This could not be checked now. {sentences(doubt)}")
    return render(request, "cloudscape/_error.html", {"field": form[name], "taken": _taken_as(form, name)})


def _taken_as(form: JobForm, name: str) -> str:
    """The URI of a place that was written down in another way, for the field to show."""
    typed, taken = form.data.get(name, ""), form[name].value()
    return taken if isinstance(form.fields[name], S3UriField) and taken != typed else ""


def render_part(part: Part, form: JobForm) -> str:
    """The HTML of one part of the form's layout."""
    form.rendered_fields = set()  # type: ignore[attr-defined] # crispy's own notes on a form it renders
    form.crispy_field_template = None  # type: ignore[attr-defined] # the same
    return part.render(form, Context({}))
