"""Stopping jobs: a confirmation that is a page of its own without script and the body of a dialog with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from batchconsole.aws.errors import AwsError
from batchconsole.console.middleware import ConsoleRequest
from batchconsole.jobs import lifecycle
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob
from batchconsole.jobs.states import WAITING


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def one(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    job = get_object_or_404(BatchJob, connection=request.connection, pk=pk)
    return confirm(request, [job], back=job.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def selected(request: ConsoleRequest, connection: str) -> HttpResponse:
    """The jobs ticked in the list."""
    data = request.POST if request.method == "POST" else request.GET
    keys = [int(key) for key in data.getlist("job") if key.isdecimal() and len(key) < 19]
    jobs = BatchJob.objects.filter(connection=request.connection, pk__in=keys).select_related("connection")
    if not jobs:
        messages.warning(request, "Select the jobs to stop first.")
        return redirect(back_to(request, request.connection.get_absolute_url()))
    return confirm(request, list(jobs), back=request.connection.get_absolute_url())


def confirm(request: ConsoleRequest, jobs: list[BatchJob], *, back: str) -> HttpResponse:
    """Ask; or, when it was asked and answered, stop *jobs* and say what became of each."""
    back = back_to(request, back)
    if request.method == "POST":
        stop_all(jobs, request.user).tell(request)
        return redirect(back)
    stoppable = [job for job in jobs if job.can_stop]
    context = {
        "jobs": stoppable,
        "others": len(jobs) - len(stoppable),
        "any_sent": any(job.status not in WAITING for job in stoppable),
        "back": back,
    }
    return render(request, "console/_stop_dialog.html" if request.htmx else "console/job_stop.html", context)


def back_to(request: ConsoleRequest, default: str) -> str:
    """The page the person came from, if it is one of this console's."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if url_has_allowed_host_and_scheme(url, {request.get_host()}, request.is_secure()) else default


@dataclass
class Outcome:
    """What became of each job that was to be stopped."""

    stopped: list[BatchJob] = field(default_factory=list)
    ended: list[BatchJob] = field(default_factory=list)
    failed: list[tuple[BatchJob, UserError | AwsError]] = field(default_factory=list)

    def tell(self, request: ConsoleRequest) -> None:
        for job, error in self.failed:
            messages.error(request, f"{job.job_name} could not be stopped. {error.message} {error.hint}".strip())
        if self.ended:
            messages.info(request, f"{counted(self.ended)} had already ended.")
        if self.stopped:
            messages.success(
                request, f"{counted(self.stopped)} {'is' if len(self.stopped) == 1 else 'are'} being stopped."
            )


def stop_all(jobs: Iterable[BatchJob], actor: User) -> Outcome:
    """Stop each of *jobs* that has not ended; one that fails does not keep the others."""
    outcome = Outcome()
    for job in jobs:
        if not job.can_stop:
            outcome.ended.append(job)
            continue
        try:
            lifecycle.stop(job, actor)
        except (UserError, AwsError) as error:
            outcome.failed.append((job, error))
        else:
            outcome.stopped.append(job)
    return outcome


def counted(jobs: list[BatchJob]) -> str:
    return f"The job {jobs[0].job_name}" if len(jobs) == 1 else f"{len(jobs)} jobs"
