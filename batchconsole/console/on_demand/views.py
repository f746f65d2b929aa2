"""Creating a job on demand, and running the rest of a batch job on demand: each asks first, and tells the cost."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.numbers import read_number
from batchconsole.console.kit.sent_twice import GIVEN_OUT
from batchconsole.console.on_demand.forms import CONFIRM, FIELDS, OnDemandForm
from batchconsole.jobs import lifecycle
from batchconsole.jobs.cloning import name_of_clone, name_of_resend
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.on_demand.costs import quote, quote_of_rest
from batchconsole.jobs.on_demand.creating import require_taking_over, take_over
from batchconsole.jobs.on_demand.order import Order


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show the form, tell the cost of what it holds, or create the job if just that cost was confirmed.

    It opens blank, with fields from the query string, or like a job (``?clone=<job>``, and ``resend_of`` for a resend
    of it). If the query string names an input, its cost is told at once.
    """
    if request.method == "POST":
        return _create(request)
    initial = _initial(request)
    if "input_s3_uri" not in request.GET:
        return _show(request, OnDemandForm(connection=request.connection, initial=initial))
    blank = OnDemandForm(connection=request.connection)
    form = OnDemandForm(initial | {"on_demand_token": blank["on_demand_token"].value()}, connection=request.connection)
    return _tell_cost(request, form)


def _initial(request: ConsoleRequest) -> dict[str, Any]:
    """Return the values of the query string, over those of the job that it names."""
    named = {name: request.GET[name] for name in (*FIELDS, "records", "resend_of") if name in request.GET}
    key = read_number(request.GET.get("clone", ""))
    if not key:
        return named
    job = get_object_or_404(BatchJob, connection=request.connection, pk=key)
    name = name_of_resend if "resend_of" in request.GET else name_of_clone
    return {
        **{field: getattr(job, field) for field in FIELDS},
        "job_name": name(request.connection, job.job_name),
        **named,
    }


def _create(request: ConsoleRequest) -> HttpResponse:
    form = OnDemandForm(request.POST, connection=request.connection)
    made = _made_before(request)
    if made:
        return redirect(made)
    try:
        if CONFIRM in request.POST and form.is_valid() and form.is_confirmed:
            return _run(request, form)
    except IntegrityError:  # a concurrent request with the same form was first
        made = _made_before(request)
        if made is None:
            raise
        return redirect(made)
    except (AwsError, UserError) as error:
        return _refuse(request, form, error)
    return _tell_cost(request, form)


def _made_before(request: ConsoleRequest) -> BatchJob | None:
    """Return the job that this form, confirmed twice, has created already."""
    token = request.POST.get("on_demand_token", "")
    if CONFIRM not in request.POST or not GIVEN_OUT.fullmatch(token):
        return None
    mine = BatchJob.objects.filter(connection=request.connection, created_by=request.user)
    found: BatchJob | None = mine.filter(client_request_token=token, lane=BatchJob.Lane.ON_DEMAND).first()
    return found


def _run(request: ConsoleRequest, form: OnDemandForm) -> HttpResponse:
    values = form.cleaned_data
    told = _quote(form)
    job = lifecycle.create_job(
        connection=request.connection,
        actor=request.user,
        request=form.request,
        resend_of=values["resend_of"],
        on_demand=Order(record_limit=values["records"], usd_at_most=told.usd_at_most),
    )
    messages.success(request, f"The job {job.job_name} was created. Its records are sent one by one.")
    return redirect(job)


def _quote(form: OnDemandForm) -> Any:
    values = form.cleaned_data
    return quote(
        form.connection,
        input_s3_uri=values["input_s3_uri"],
        model_id=values["model_id"],
        model_invocation_type=values["model_invocation_type"],
        record_limit=values["records"],
    )


def _tell_cost(request: ConsoleRequest, form: OnDemandForm) -> HttpResponse:
    try:
        if form.is_valid():
            form.quote = _quote(form)
    except (AwsError, UserError) as error:
        return _refuse(request, form, error)
    return _show(request, form)


def _refuse(request: ConsoleRequest, form: OnDemandForm, error: AwsError | UserError) -> HttpResponse:
    if isinstance(error, AwsError):
        return _show(request, form, aws_error=error)
    form.add_error(error.field if error.field in form.fields else None, sentences(error))
    return _show(request, form)


def _show(request: ConsoleRequest, form: OnDemandForm, **context: Any) -> HttpResponse:
    status = 422 if form.errors and request.method == "POST" else 200
    return render(request, "console/on_demand/create.html", {"form": form, **context}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def rest(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Ask whether a batch job is to be stopped and its rest run on demand, and tell the cost; on POST, do it."""
    job = get_object_or_404(BatchJob.objects.select_related("connection"), connection=request.connection, pk=pk)
    context: dict[str, Any] = {"job": job}
    try:
        if request.method == "POST":
            return _take_over(request, job)
        require_taking_over(job)
        context["quote"] = quote_of_rest(job)
    except UserError as error:
        context["problem"] = error
    except AwsError as error:
        context["aws_error"] = error
    return render(request, "console/on_demand/rest.html", context, status=422 if request.method == "POST" else 200)


def _take_over(request: ConsoleRequest, job: BatchJob) -> HttpResponse:
    made = take_over(job, request.user)
    messages.success(request, f"{job.job_name} is being stopped. Then {made.job_name} sends its other records.")
    return redirect(made)
