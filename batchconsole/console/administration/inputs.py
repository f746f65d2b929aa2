"""Input checks, made inputs and result files in the administration, read-only because workers write them."""

from django.contrib import admin

from batchconsole.console.administration.limited import OF_CONNECTION
from batchconsole.console.administration.read_only import ReadOnlyAdmin
from batchconsole.jobs.models import InputCheck, MadeInput, ResultFile


@admin.register(InputCheck)
class InputCheckAdmin(ReadOnlyAdmin):
    list_display = ("input_s3_uri", "connection", "state", "records", "problems", "created_by", "created_at", "due_at")
    list_filter = ("state", OF_CONNECTION, "model_invocation_type")
    list_select_related = ("connection", "created_by")
    search_fields = ("input_s3_uri", "model_id")
    exclude = ("report_json", "preview_json")  # megabytes of other users' prompts, shown on the check's own page


@admin.register(MadeInput)
class MadeInputAdmin(ReadOnlyAdmin):
    list_display = ("output_s3_uri", "connection", "kind", "state", "records", "created_by", "created_at", "due_at")
    list_filter = ("state", OF_CONNECTION, "kind")
    list_select_related = ("connection", "created_by")
    search_fields = ("output_s3_uri", "source_name", "source_s3_uri")
    exclude = ("recipe_json",)  # also contains prompts


@admin.register(ResultFile)
class ResultFileAdmin(ReadOnlyAdmin):
    connection_path = "job__connection"
    list_display = ("name", "job", "size", "key")
    list_select_related = ("job",)
    search_fields = ("job__job_name", "name")
