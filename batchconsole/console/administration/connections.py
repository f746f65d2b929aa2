"""Connections in the administration: the one thing of the domain that is made and changed here and nowhere else."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import resolve, reverse

from batchconsole.aws.errors import AwsError
from batchconsole.console.administration.fields import LinesField
from batchconsole.console.administration.limited import LimitedAdmin
from batchconsole.console.frame.middleware import ConsoleRequest
from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.account import ask_account_id
from batchconsole.jobs.errors import UserError
from batchconsole.jobs.models import Connection
from batchconsole.jobs.models.connection import ENDPOINTS, check_prefixes, check_role_arns

# Whoever changes these has the console act with other credentials of its machine, or sends what it knows elsewhere.
FOR_SUPERUSERS = ("region", "account_id", "credentials", "profile_name", "assume_role_arn", "external_id", *ENDPOINTS)
# What each way to credentials cannot do without.
NEEDED = {Connection.Credentials.PROFILE: "profile_name", Connection.Credentials.ASSUME_ROLE: "assume_role_arn"}
PLACES = "S3 locations like s3://bucket/folder/, one on a line; empty: any. Those that"
# Where a page that belongs to no connection would hide one of the same name.
HIDEABLE = ("overview", "job-list")


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in django-stubs, not at run time
    """A connection whose pages can be reached, and whose way to credentials is complete."""

    input_prefixes = LinesField(check=check_prefixes, label="Input", help_text=f"{PLACES} people may use as input.")
    output_prefixes = LinesField(check=check_prefixes, label="Output", help_text=f"{PLACES} jobs may write to.")
    upload_prefixes = LinesField(check=check_prefixes, label="Upload", help_text=f"{PLACES} people may upload to.")
    service_roles = LinesField(
        check=check_role_arns, help_text="ARNs of roles for jobs, one on a line. Empty: any role."
    )

    class Meta:
        labels: ClassVar = {
            "is_enabled": "Enabled",
            "checks_programs": "Check input",
            "account_id": "Account ID",
            "assume_role_arn": "Role ARN",
            "external_id": "External ID",
            "endpoint_url": "Endpoint URL",
            "bedrock_endpoint_url": "Bedrock endpoint URL",
            "bedrock_runtime_endpoint_url": "Bedrock runtime endpoint URL",
        }

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if any(resolve(reverse(view, args=[name])).view_name != view for view in HIDEABLE):
            raise forms.ValidationError(f"“{name}” is the address of another page. Choose another name.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        needed = NEEDED.get(data.get("credentials", ""))
        if needed and not data.get(needed):
            self.add_error(needed, f"{self.fields[needed].label} is required for this way to credentials.")
        return data


@admin.register(Connection)
class ConnectionAdmin(LimitedAdmin):
    connection_path = "pk"
    form = ConnectionForm
    list_display = ("title", "name", "region", "account_id", "credentials", "is_enabled", "synced_at", "trouble")
    list_filter = ("is_enabled", "credentials")
    search_fields = ("name", "title", "account_id")
    readonly_fields = ("synced_at", "sync_due_at", "trouble")
    actions = ("try_out",)
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
        ("Allowed service roles", {"fields": ("service_roles",)}),
        ("Allowed models", {"fields": ("allowed_models",)}),
        ("Programs", {"fields": ("checks_programs",)}),
        ("Sync", {"fields": ("synced_at", "sync_due_at", "trouble")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        return bool(request.user.is_superuser) and super().has_delete_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *FOR_SUPERUSERS)

    @admin.display(description="Last trouble")
    def trouble(self, connection: Connection) -> str:
        error = connection.sync_error
        return f"{error['code']}: {sentences(error)}" if error else ""

    @admin.action(description="Test selected connections")
    def try_out(self, request: ConsoleRequest, connections: QuerySet[Connection]) -> None:
        """Ask AWS whose credentials each connection has, and say what came of it."""
        for connection in connections:
            try:
                account = ask_account_id(connection, request.user)
            except (AwsError, UserError) as error:
                messages.error(request, f"{connection}: {sentences(error)}")
            else:
                messages.success(request, f"{connection}: the credentials are those of account {account}.")

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """Save the connection, and follow its jobs soon in its new ways."""
        super().save_model(request, obj, form, change)
        Connection.objects.sync_soon(obj.pk)
