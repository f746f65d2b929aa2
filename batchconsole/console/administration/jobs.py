"""Jobs and their audit trail in the administration: all fields read-only, and the domain's verbs as buttons.

No row can be edited here: AWS is the source of truth about jobs, and nobody may rewrite the audit trail.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from batchconsole.aws.errors import AwsError
from batchconsole.console.administration.limited import OF_CONNECTION
from batchconsole.console.administration.read_only import ReadOnlyAdmin, as_json
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.lifecycle import release, stop
from batchconsole.jobs.models import (
    ENDED_ON_AWS,
    LIVE,
    Actor,
    BatchJob,
    BulkAction,
    BulkActionItem,
    Event,
    Status,
)
from batchconsole.jobs.outputs.results import request_results
from batchconsole.jobs.patience import page_calls
from batchconsole.jobs.retrying import check_again, hurry_job, sync_now
from batchconsole.jobs.rights.access import may_act_on

Verb = Callable[[BatchJob, Actor], object]


def sync_job(job: BatchJob, actor: Actor) -> None:
    sync_now(job.connection, actor)


# The verbs by their name in the URL: the label of the button, the function, and the end of the success message.
VERBS: dict[str, tuple[str, Verb, str]] = {
    "stop": ("Stop", stop, "is being stopped"),
    "release": ("Submit without check", release, "is queued"),
    "check": ("Check input again", check_again, "is being checked again"),
    "results": ("Read results again", request_results, "has its results read"),
    "hurry": ("Take next step now", hurry_job, "takes its next step"),
    "sync": ("Sync now", sync_job, "is asked for at AWS"),
}
NEWEST_EVENTS = 200


def verbs_for(job: BatchJob) -> list[tuple[str, str]]:
    """Return the names and button labels of the verbs that make sense for *job* in its current state."""
    when = {
        "stop": job.can_stop,
        "release": job.status in {Status.CHECKING, Status.REJECTED},
        "check": job.status == Status.REJECTED,
        "results": job.status in ENDED_ON_AWS and job.results != BatchJob.Results.PENDING,
        "hurry": job.due_at is not None and not job.lease,
        "sync": job.status in LIVE,
    }
    return [(name, label) for name, (label, _, _) in VERBS.items() if when[name]]


class JobForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """Labels for the fields of a job that AWS or the console names differently from the column."""

    class Meta:
        labels: ClassVar = {
            "losses": "Workers lost",
            "due_at": "Next step due",
            "model_id": "Model",
            "base_model_id": "Model whose quota it uses",
            "input_s3_uri": "Input S3 URI",
            "output_s3_uri": "Output S3 URI",
            "output_kms_key_id": "Output KMS key",
            "role_arn": "Service role",
            "timeout_duration_in_hours": "Timeout in hours",
            "gateway_id": "ID given to a program",
            "caller_token": "Token of a program",
            "job_arn": "Job ARN",
            "total_record_count": "Records",
            "processed_record_count": "Processed records",
            "success_record_count": "Records with an answer",
            "error_record_count": "Records with an error",
            "input_token_count": "Input tokens",
            "output_token_count": "Output tokens",
            "cache_read_token_count": "Tokens read from cache",
            "cache_write_token_count": "Tokens written to cache",
            "cost_usd": "Cost in USD",
            "estimate_usd": "Estimate in USD",
        }


@admin.register(BatchJob)
class BatchJobAdmin(ReadOnlyAdmin):
    form = JobForm
    list_display = ("job_name", "status", "connection", "model_id", "created_by", "created_at", "end_time", "trouble")
    list_filter = (
        OF_CONNECTION,
        "status",
        ("held_at", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
        "origin",
        "results",
        "created_at",
    )
    list_select_related = ("connection", "created_by")
    search_fields = ("job_name", "model_id", "job_arn", "created_by__username", "message")
    actions = ("try_now", "read_again")
    readonly_fields = ("tags_text", "subnets", "groups", "merged", "manifest_text", "results_error_text")
    fieldsets: ClassVar[Any] = (
        (
            "Where it stands",
            {
                "fields": (
                    "status",
                    "status_changed_at",
                    "message",
                    "error_code",
                    "hint",
                    "attempts",
                    "due_at",
                    "losses",
                    "lane",
                    "priority",
                    "start_at",
                    "held_at",
                    "held_by",
                    "awaits_approval",
                    "archived_at",
                )
            },
        ),
        (
            "What was asked for",
            {
                "fields": (
                    "job_name",
                    "connection",
                    "origin",
                    "created_by",
                    "created_at",
                    "model_id",
                    "base_model_id",
                    "model_invocation_type",
                    "input_s3_uri",
                    "input_bucket_owner",
                    "output_s3_uri",
                    "output_bucket_owner",
                    "output_kms_key_id",
                    "role_arn",
                    "timeout_duration_in_hours",
                    "subnets",
                    "groups",
                    "tags_text",
                    "check_input",
                    "input_check",
                    "estimate_usd",
                    "clone_of",
                    "resend_of",
                    "merged",
                    "client_request_token",
                    "caller_token",
                    "gateway_id",
                )
            },
        ),
        (
            "What AWS says",
            {
                "fields": (
                    "job_arn",
                    "submit_time",
                    "last_modified_time",
                    "end_time",
                    "job_expiration_time",
                    "total_record_count",
                    "processed_record_count",
                    "success_record_count",
                    "error_record_count",
                )
            },
        ),
        (
            "Results",
            {
                "fields": (
                    "results",
                    "results_error_text",
                    "input_token_count",
                    "output_token_count",
                    "cache_read_token_count",
                    "cache_write_token_count",
                    "cost_usd",
                    "manifest_text",
                )
            },
        ),
    )

    @admin.display(description="Error")
    def trouble(self, job: BatchJob) -> str:
        return f"{job.error_code}: {job.message}".strip(": ")

    @admin.display(description="Tags")
    def tags_text(self, job: BatchJob) -> str:
        return "\n".join(f"{tag.get('key', '')} = {tag.get('value', '')}" for tag in job.tags) or "-"

    @admin.display(description="Subnets")
    def subnets(self, job: BatchJob) -> str:
        return "\n".join(job.subnet_ids) or "-"

    @admin.display(description="Security groups")
    def groups(self, job: BatchJob) -> str:
        return "\n".join(job.security_group_ids) or "-"

    @admin.display(description="Merges")
    def merged(self, job: BatchJob) -> str:
        return "\n".join(str(each) for each in job.merges.all()) or "-"

    @admin.display(description="Manifest")
    def manifest_text(self, job: BatchJob) -> str:
        return as_json(job.manifest)

    @admin.display(description="Results error")
    def results_error_text(self, job: BatchJob) -> str:
        return sentences(job.results_error) if job.results_error else "-"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        return [path("<int:pk>/do/<slug:verb>/", view, name="jobs_batchjob_act"), *super().get_urls()]

    def act_view(self, request: ConsoleRequest, pk: int, verb: str) -> HttpResponse:
        """Apply one of :data:`VERBS` to a job as the signed-in user; the verb's function checks the user's rights."""
        job = self.get_object(request, str(pk))
        if job is None or verb not in VERBS:
            raise Http404("There is no such job or action.")
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        if request.method == "POST":
            self._act(request, job, verb)
        return redirect(reverse("admin:jobs_batchjob_change", args=[pk]))

    def _act(self, request: ConsoleRequest, job: BatchJob, verb: str) -> None:
        _, act, done = VERBS[verb]
        try:
            with page_calls():
                act(job, request.user)
        except (AwsError, UserError) as error:
            messages.error(request, f"{job}: {sentences(error)}")
        else:
            messages.success(request, f"{job} {done}.")

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        job = kwargs.get("obj")
        if job:
            may_act = may_act_on(request.user, job)
            context["verbs"] = verbs_for(job) if may_act else []
            context["events"] = job.events.select_related("actor", "connection", "job")[:NEWEST_EVENTS]
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Take the next step of selected jobs now")
    def try_now(self, request: ConsoleRequest, jobs: QuerySet[BatchJob]) -> None:
        """Make the next step of the selected jobs due now; jobs without a next step are reported and left unchanged."""
        self._each(request, jobs, "hurry")

    @admin.action(description="Read the results of selected jobs again")
    def read_again(self, request: ConsoleRequest, jobs: QuerySet[BatchJob]) -> None:
        self._each(request, jobs, "results")

    def _each(self, request: ConsoleRequest, jobs: QuerySet[BatchJob], verb: str) -> None:
        """Apply the verb to each job; jobs that refuse it get a warning and stay unchanged."""
        done = 0
        for job in jobs.select_related("connection"):
            try:
                VERBS[verb][1](job, request.user)
            except UserError as error:
                messages.warning(request, f"{job}: {sentences(error)}")
            else:
                done += 1
        if done:
            messages.success(request, f"{done} job{'' if done == 1 else 's'}: {VERBS[verb][0].lower()}.")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "verb", "actor", "address", "job", "connection", "target", "from_status", "to_status")
    list_filter = (OF_CONNECTION, "at", "verb")
    list_select_related = ("job", "actor", "connection")
    search_fields = ("job__job_name", "actor__username", "target", "address", "api_key", "session")


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "connection", "created_by", "created_at", "due_at", "failures", "finished_at")
    list_filter = (OF_CONNECTION, "kind", "created_at")
    list_select_related = ("connection", "created_by")
    search_fields = ("created_by__username", "query")
    readonly_fields = ("outcomes",)

    @admin.display(description="Jobs")
    def outcomes(self, action: BulkAction) -> str:
        labels = BulkActionItem.Outcome
        said = "\n".join(f"{labels(outcome).label}: {count}" for outcome, count in action.counts().items())
        url = f"{reverse('admin:jobs_bulkactionitem_changelist')}?action__id__exact={action.pk}"
        return format_html('{}\n<a href="{}">View the jobs</a>', said, url)


@admin.register(BulkActionItem)
class BulkActionItemAdmin(ReadOnlyAdmin):
    connection_path = "action__connection"
    list_display = ("job", "action", "outcome", "attempts", "decided_at")
    list_filter = ("outcome",)
    list_select_related = ("job", "action")
    search_fields = ("job__job_name",)
