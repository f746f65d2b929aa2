"""Connections in the administration, the only place where they are created and changed."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, resolve, reverse

from batchconsole.access_table import urls
from batchconsole.aws.errors import AwsError
from batchconsole.console.administration.fields import LinesField, PairsField
from batchconsole.console.administration.grants import GrantsOnConnection
from batchconsole.console.administration.limited import LimitedAdmin
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.account import ask_account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import BatchJob, Connection, Grant, Status
from batchconsole.jobs.models.connection import (
    ENDPOINTS,
    check_model_map,
    check_model_patterns,
    check_prefixes,
    check_role_arns,
)
from batchconsole.jobs.patience import page_calls
from batchconsole.jobs.rights.connection_access import try_connection

# Only superusers may change these: they make the console use other credentials, send its data to other endpoints, or
# make roles that may do more.
OF_ACCOUNT = ("region", "account_id", "credentials", "profile_name", "assume_role_arn", "external_id")
FOR_SUPERUSERS = (*OF_ACCOUNT, *ENDPOINTS, "role_boundary_arn")
# The field that each way to credentials requires.
NEEDED = {Connection.Credentials.PROFILE: "profile_name", Connection.Credentials.ASSUME_ROLE: "assume_role_arn"}
PLACES = "S3 locations like s3://bucket/folder/, one on a line; empty: any. Those that"
NEWEST = 5  # jobs shown on the page of a connection
# Pages of a connection that another page would hide if the connection had that page's name.
HIDEABLE = ("overview", "job-list")


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A connection whose name hides no page's URL, and whose way to credentials is complete."""

    input_prefixes = LinesField(check=check_prefixes, label="Input", help_text=f"{PLACES} people may use as input.")
    output_prefixes = LinesField(check=check_prefixes, label="Output", help_text=f"{PLACES} jobs may write to.")
    upload_prefixes = LinesField(check=check_prefixes, label="Upload", help_text=f"{PLACES} people may upload to.")
    allowed_models = LinesField(
        check=check_model_patterns,
        label="Models",
        help_text="Ids or ARNs of models for jobs, one on a line; * stands for anything (anthropic.*). Empty: any.",
    )
    service_roles = LinesField(
        check=check_role_arns, help_text="ARNs of roles for jobs, one on a line. Empty: any role."
    )

    openai_models = PairsField(
        check=check_model_map,
        label="Models of OpenAI batches",
        help_text="Names in their lines and the models of Bedrock for them, one pair on a line: "
        "gpt-4o-mini = amazon.nova-lite-v1:0. In a name * stands for anything. A model id of Bedrock needs no pair.",
    )

    class Meta:
        labels: ClassVar = {
            "openai_folder": "Folder of OpenAI batches",
            "openai_role_arn": "Service role of OpenAI batches",
            "is_enabled": "Enabled",
            "checks_programs": "Check input",
            "asks_approval": "Approve jobs",
            "role_boundary_arn": "Permissions boundary",
            "presigns_downloads": "Download from S3",
            "on_demand_after_hours": "Run on demand after (hours)",
            "account_id": "Account ID",
            "assume_role_arn": "Role ARN",
            "external_id": "External ID",
            "endpoint_url": "Endpoint URL",
            "bedrock_endpoint_url": "Bedrock endpoint URL",
            "bedrock_runtime_endpoint_url": "Bedrock runtime endpoint URL",
        }

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        is_taken = any(route.partition("/")[0] == name for route, _ in urls())
        if is_taken or any(resolve(reverse(view, args=[name])).view_name != view for view in HIDEABLE):
            raise forms.ValidationError(f"“{name}” is the address of another page. Choose another name.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        needed = NEEDED.get(data.get("credentials", ""))
        if needed and not data.get(needed):
            self.add_error(needed, f"{self.fields[needed].label} is required for this way to credentials.")
        return data


class SamePost(HttpResponseRedirect):
    """Redirect the browser, which repeats its POST at the new URL."""

    status_code = 307


def why_kept(connection: Connection) -> str:
    """Return why *connection* cannot be deleted, or an empty string if it can."""
    count = connection.jobs.count()
    if not count:
        return ""
    jobs = f"{count:,} job{'' if count == 1 else 's'} of {connection}"
    return f"{jobs}. To take the connection out of use, clear Enabled instead: its pages can still be read."


@admin.register(Connection)
class ConnectionAdmin(LimitedAdmin):
    connection_path = "pk"
    form = ConnectionForm
    list_display = ("title", "name", "region", "account_id", "credentials", "is_enabled", "synced_at", "trouble")
    list_filter = ("is_enabled", "credentials")
    search_fields = ("name", "title", "account_id")
    readonly_fields = ("synced_at", "sync_due_at", "trouble")
    actions = ("try_out", "enable", "disable")
    inlines = (GrantsOnConnection,)
    fieldsets = (
        (None, {"fields": ("name", "title", "is_enabled")}),
        ("Account", {"fields": ("region", "account_id")}),
        ("Credentials", {"fields": ("credentials", "profile_name", "assume_role_arn", "external_id")}),
        (
            "Endpoints",
            {
                "fields": ("endpoint_url", "bedrock_endpoint_url", "bedrock_runtime_endpoint_url"),
                "description": "Only for a stack that is not AWS.",
            },
        ),
        ("Allowed places", {"fields": ("input_prefixes", "output_prefixes", "upload_prefixes")}),
        ("Allowed service roles", {"fields": ("service_roles", "role_boundary_arn")}),
        ("Allowed models", {"fields": ("allowed_models",)}),
        ("Programs", {"fields": ("checks_programs", "openai_models", "openai_folder", "openai_role_arn")}),
        ("Approval", {"fields": ("asks_approval",)}),
        ("Stuck jobs", {"fields": ("on_demand_after_hours",)}),
        ("Downloads", {"fields": ("presigns_downloads",)}),
        ("Sync", {"fields": ("synced_at", "sync_due_at", "trouble")}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<int:pk>/test/", view, name="jobs_connection_test"), *super().get_urls()]

    def get_inlines(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return self.inlines if obj else ()

    def try_view(self, request: ConsoleRequest, pk: int) -> HttpResponse:
        """Show the identity behind the connection's credentials, and each permission that they give the console."""
        connection = self.get_object(request, str(pk))
        if connection is None:
            raise Http404("There is no such connection.")
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:jobs_connection_change", pk)
        context: dict[str, Any] = {"original": connection, "opts": self.opts, "title": f"Test of {connection}"}
        try:
            with page_calls():
                context["access"] = try_connection(connection, request.user)
        except (AwsError, UserError) as error:
            context["error"] = error
        return render(request, "admin/connection_test.html", self.admin_site.each_context(request) | context)

    def response_add(self, request: HttpRequest, obj: Connection, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().response_add(request, obj, *args, **kwargs)
        return self._test_of(obj) if "_test" in request.POST else answer

    def response_change(self, request: HttpRequest, obj: Connection) -> HttpResponse:
        answer = super().response_change(request, obj)
        return self._test_of(obj) if "_test" in request.POST else answer

    def _test_of(self, connection: Connection) -> HttpResponse:
        return SamePost(reverse("admin:jobs_connection_test", args=[connection.pk]))

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj:
            context |= {"jobs_of": newest_jobs(obj), "counts": count_by_status(obj), "on_all": granted_on_all()}
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        return bool(request.user.is_superuser) and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Report what is deleted with the connections; those with jobs are protected, with a reason and advice."""
        kept = [why for each in objs if (why := why_kept(each))]
        return ([], {}, set(), kept) if kept else super().get_deleted_objects(objs, request)

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *FOR_SUPERUSERS)

    @admin.display(description="Last trouble")
    def trouble(self, connection: Connection) -> str:
        error = connection.sync_error
        return f"{error['code']}: {sentences(error)}" if error else ""

    @admin.action(description="Test selected connections")
    def try_out(self, request: ConsoleRequest, connections: QuerySet[Connection]) -> None:
        """Ask AWS for the account of each connection's credentials, and show the answer or the error."""
        for connection in connections:
            try:
                with page_calls():
                    account = ask_account_id(connection, request.user)
            except (AwsError, UserError) as error:
                messages.error(request, f"{connection}: {sentences(error)}")
            else:
                messages.success(request, f"{connection}: the credentials are those of account {account}.")

    @admin.action(description="Enable selected connections")
    def enable(self, request: HttpRequest, connections: QuerySet[Connection]) -> None:
        self._switch(request, connections, is_enabled=True)

    @admin.action(description="Disable selected connections")
    def disable(self, request: HttpRequest, connections: QuerySet[Connection]) -> None:
        self._switch(request, connections, is_enabled=False)

    def _switch(self, request: HttpRequest, connections: QuerySet[Connection], *, is_enabled: bool) -> None:
        """Save the connections one by one, so that the audit trail records each change."""
        for connection in connections.filter(is_enabled=not is_enabled):
            connection.is_enabled = is_enabled
            connection.save(update_fields=["is_enabled"])
            messages.success(request, f"{connection} is {'enabled' if is_enabled else 'disabled'}.")

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """Save the connection and schedule a sync with its new settings."""
        super().save_model(request, obj, form, change)
        Connection.objects.sync_soon(obj.pk)


def newest_jobs(connection: Connection) -> QuerySet[BatchJob]:
    jobs: QuerySet[BatchJob] = BatchJob.objects.filter(connection=connection).select_related("created_by")
    return jobs.order_by("-created_at", "-id")[:NEWEST]


def count_by_status(connection: Connection) -> list[dict[str, Any]]:
    """Return the number of jobs of *connection* in each status that occurs, with the status's label."""
    rows = BatchJob.objects.filter(connection=connection).order_by().values("status").annotate(jobs=Count("pk"))
    return [row | {"label": Status(row["status"]).label} for row in rows.order_by("status")]


def granted_on_all() -> QuerySet[Grant]:
    """Return the grants that apply to all connections."""
    return Grant.objects.filter(connection=None).select_related("user", "group", "role")
