"""Stopping jobs: a confirmation that is a page of its own without script and a dialog with it."""

from django.http import HttpResponse
from django.shortcuts import render

from batchconsole.console.middleware import ConsoleRequest


def one(request: ConsoleRequest, connection: str, pk: int) -> HttpResponse:
    return selected(request, connection)


def selected(request: ConsoleRequest, connection: str) -> HttpResponse:
    return render(request, "console/job_stop.html")
