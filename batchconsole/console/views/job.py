"""The page of one job, its tabs being URLs, and the download of what it wrote."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from batchconsole.console.middleware import ConsoleRequest
from batchconsole.jobs.models import BatchJob


def detail(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    job = get_object_or_404(BatchJob, connection=request.connection, pk=pk)
    return render(request, "console/job_detail.html", {"job": job})


def download(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    job = get_object_or_404(BatchJob, connection=request.connection, pk=pk)
    return HttpResponse(job.output_s3_uri)
