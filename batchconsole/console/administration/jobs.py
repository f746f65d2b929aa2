"""Jobs and their audit trail in the administration: to look at, since AWS is the truth about the ones and nobody may
rewrite the other.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from batchconsole.console.administration.limited import OF_CONNECTION, LimitedAdmin
from batchconsole.jobs.models import BatchJob, BulkAction, BulkActionItem, Event


class ReadOnlyAdmin(LimitedAdmin):
    """Rows that are neither added, changed nor deleted here."""

    show_full_result_count = False  # Counting all rows costs more than the page.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BatchJob)
class BatchJobAdmin(ReadOnlyAdmin):
    list_display = ("job_name", "connection", "status", "model_id", "created_at", "created_by", "due_at", "error_code")
    list_filter = (OF_CONNECTION, "status", "origin", "results")
    list_select_related = ("connection", "created_by")
    search_fields = ("job_name", "model_id", "job_arn")
    actions = ("try_now",)

    @admin.action(description="Process selected jobs now", permissions=["operate"])
    def try_now(self, request: HttpRequest, jobs: QuerySet[BatchJob]) -> None:
        """Shorten the wait of jobs that wait for their next step; those with no step to come stay as they are."""
        count = jobs.filter(due_at__isnull=False).update(due_at=timezone.now())
        messages.success(request, f"{count} jobs are being processed now.")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("jobs.change_batchjob"))


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "verb", "job", "actor", "from_status", "to_status", "connection")
    list_filter = ("verb", OF_CONNECTION)
    list_select_related = ("job", "actor", "connection")
    search_fields = ("job__job_name", "actor__username")


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "connection", "created_by", "created_at", "due_at", "failures", "finished_at")
    list_filter = (OF_CONNECTION,)
    list_select_related = ("connection", "created_by")


@admin.register(BulkActionItem)
class BulkActionItemAdmin(ReadOnlyAdmin):
    connection_path = "action__connection"
    list_display = ("job", "action", "outcome", "attempts", "decided_at")
    list_filter = ("outcome",)
    list_select_related = ("job", "action")
    search_fields = ("job__job_name",)
