"""Schedules in the administration, read-only: their own pages have the verbs, which check rights and record."""

from django.contrib import admin

from batchconsole.console.administration.limited import OF_CONNECTION
from batchconsole.console.administration.read_only import ReadOnlyAdmin
from batchconsole.jobs.models import Schedule


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = ("title", "connection", "kind", "is_active", "created_by", "next_at", "failures", "due_at")
    list_filter = ("is_active", "kind", OF_CONNECTION)
    list_select_related = ("connection", "created_by")
    search_fields = ("title",)
