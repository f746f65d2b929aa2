"""The page that creates or changes a schedule: the create form with placeholders, and when jobs are made of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from batchconsole.aws.errors import AwsError
from batchconsole.console.create.schedule_form import ScheduleForm, definition_of, initial_of_clone, initial_of_schedule
from batchconsole.console.create.views import choices_beside, find_named, take_known_offers
from batchconsole.console.frame import drafts, put_aside
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.steps import take_step
from batchconsole.console.models.summary import summary_context
from batchconsole.jobs.creating import Invalid
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Schedule
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.rights.access import require_on_job


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: ConsoleRequest, connection: str) -> HttpResponse:
    """Show or save a new schedule: blank, like a job (``?clone=<job>``), or from the create form (``?resume=1``)."""
    return _answer(request, None)


@drafts.takes_drafts
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Show or save the changes of a schedule, which then belongs to who saved it."""
    rows = Schedule.objects.select_related("connection", "created_by")
    schedule: Schedule = get_object_or_404(rows, connection=request.connection, pk=pk)
    require_on_job(request.user, schedule)
    return _answer(request, schedule)


def _answer(request: ConsoleRequest, schedule: Schedule | None) -> HttpResponse:
    known: dict[str, Any] = {"connection": request.connection, "schedule": schedule}
    draft = drafts.restored(request)
    if draft is not None:
        return _show(request, ScheduleForm.draft(draft, **known), is_dirty=True)
    if request.method != "POST":
        return _show(request, ScheduleForm(initial=_initial(request, schedule), **known))
    step = take_step(request.POST)
    if step is None:
        return _save(request, ScheduleForm(request.POST, **known))
    data, shown = step
    form = ScheduleForm.draft(data, **known)
    form.focus(shown.focus)
    return _show(request, form, **choices_beside(request, form, shown, data))


def _initial(request: ConsoleRequest, schedule: Schedule | None) -> dict[str, Any]:
    if schedule:
        return initial_of_schedule(schedule)
    zone = {"zone": str(request.preferences.zone)}
    if request.GET.get("clone"):
        return initial_of_clone(find_named(request, "clone")) | zone
    return put_aside.taken_up(request) | zone


def _show(request: ConsoleRequest, form: ScheduleForm, **context: Any) -> HttpResponse:
    take_known_offers(request, form)
    context |= summary_context(request.connection, str(form["model_id"].value() or ""))
    return render(request, "console/create/schedule_form.html", {"form": form, "schedule": form.schedule, **context})


def _save(request: ConsoleRequest, form: ScheduleForm) -> HttpResponse:
    if not form.is_valid() or (form.schedule and form.take_changes(definition_of(form.schedule))):
        form.focus_first_error()
        return _show(request, form, is_dirty=True)
    try:
        saved = _saved(request, form)
    except Invalid as invalid:
        form.take_problems(invalid)
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, sentences(error))
    except AwsError as error:
        return _show(request, form, is_dirty=True, aws_error=error)
    else:
        put_aside.forget(request)
        messages.success(request, f"The schedule {saved} was saved.")
        return redirect(saved)
    form.focus_first_error()
    return _show(request, form, is_dirty=True)


def _saved(request: ConsoleRequest, form: ScheduleForm) -> Schedule:
    if form.schedule:
        schedules.change_schedule(form.schedule, request.user, form.wanted)
        return form.schedule
    token = form.cleaned_data["request_token"]
    return schedules.create_schedule(request.connection, request.user, form.wanted, token=token)
