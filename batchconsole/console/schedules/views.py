"""Views of schedules: the list, one schedule, and its buttons."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from batchconsole.aws.errors import AwsError
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.answers import show
from batchconsole.console.kit.errors import sentences
from batchconsole.console.kit.sent_twice import FIELD, GIVEN_OUT, new_token
from batchconsole.console.schedules.page import ScheduleList, SchedulePage
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Schedule, ScheduleRun, WatchedFile
from batchconsole.jobs.repeating import schedules
from batchconsole.jobs.repeating.watched_folders import retry_file
from batchconsole.jobs.rights.access import require_on_job

FOLDER = "console/schedules"


@require_safe
def index(request: ConsoleRequest, connection: str) -> HttpResponse:
    shown = ScheduleList(request.connection, request.GET, page_size=request.preferences.page_size)
    return show(request, f"{FOLDER}/schedule_list.html", {"shown": shown}, version=shown.version)


@require_safe
def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    shown = SchedulePage(find_schedule(request, pk), request.GET, page_size=request.preferences.page_size)
    context = {"shown": shown, "schedule": shown.schedule, "token": new_token()}
    return show(request, f"{FOLDER}/schedule.html", context, version=shown.version)


def find_schedule(request: ConsoleRequest, pk: int) -> Schedule:
    rows = Schedule.objects.select_related("connection", "created_by")
    found: Schedule = get_object_or_404(rows, connection=request.connection, pk=pk)
    return found


@require_POST
def pause(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    said = "The schedule is paused. Jobs that exist go on."
    return _act(request, pk, lambda found: schedules.pause_schedule(found, request.user), said)


@require_POST
def resume(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    said = "The schedule is active. What was missed meanwhile is not caught up."
    return _act(request, pk, lambda found: schedules.resume_schedule(found, request.user), said)


@require_POST
def delete(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    found = find_schedule(request, pk)
    schedules.delete_schedule(found, request.user)
    messages.success(request, f"The schedule {found} was deleted. Its jobs stay.")
    return redirect("schedule-list", connection)


@require_POST
def run(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Run the schedule now, or look into its folder; the outcome of a run is told."""
    found = find_schedule(request, pk)
    require_on_job(request.user, found)
    posted = request.POST.get(FIELD, "")
    token = posted if GIVEN_OUT.fullmatch(posted) else ""
    try:
        made = schedules.run_now(found, request.user, token=token)
    except (AwsError, UserError) as error:
        messages.error(request, sentences(error))
    else:
        _tell(request, made)
    return redirect(found)


def _tell(request: ConsoleRequest, run: ScheduleRun | None) -> None:
    if run is None:
        messages.success(request, "The console looks into the folder now.")
    elif run.job:
        messages.success(request, f"The batch inference job {run.job.job_name} was created.")
    else:
        messages.error(request, f"No job was created. {run.reason}")


def _act(request: ConsoleRequest, pk: int, act: Callable[[Schedule], object], said: str) -> HttpResponse:
    found = find_schedule(request, pk)
    act(found)
    messages.success(request, said)
    return redirect(found)


@require_POST
def retry(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    """Let a skipped file wait again."""
    files = WatchedFile.objects.select_related("schedule__connection", "schedule__created_by")
    file = get_object_or_404(files, schedule__connection=request.connection, pk=pk)
    retry_file(file, request.user)
    messages.success(request, f"{file.name} waits to be checked again.")
    return redirect(file.schedule)
