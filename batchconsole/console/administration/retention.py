"""The page on retention: what settings keep for how long, what goes next, and when. It changes nothing."""

from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from batchconsole.console.kit.pagination import LOOK_AHEAD, bounded_text
from batchconsole.jobs.models import Right
from batchconsole.jobs.retention import kinds_kept

AHEAD = timedelta(days=7)


def may_open(request: HttpRequest) -> bool:
    """Whether the signed-in user may open the page: settings hold for all connections."""
    return request.user.has_perm(Right.ADMINISTER)


def index(request: HttpRequest) -> HttpResponse:
    """Show each kind of rows that a setting limits, with the number that goes within a week."""
    if not may_open(request):
        raise PermissionDenied
    now = timezone.now()
    kinds = [(kept, kept.next_at, bounded_text(kept.due_by(now + AHEAD, LOOK_AHEAD))) for kept in kinds_kept()]
    context = {"title": "Retention", "kinds": kinds, "now": now, "ahead": AHEAD.days}
    return render(request, "admin/retention.html", admin.site.each_context(request) | context)
