"""The audit trail: who did what, when, over all connections or one job."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batchconsole.console.pagination import page_number, paginate
from batchconsole.jobs.models import Event


def index(request: HttpRequest) -> HttpResponse:
    events = Event.objects.select_related("actor", "job", "connection").order_by("-at", "-id")
    page = paginate(events, number=page_number(request.GET.get("page", "")), size=50)
    return render(request, "console/activity.html", {"page": page})
