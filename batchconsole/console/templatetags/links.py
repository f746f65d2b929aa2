"""Links to S3 locations, result files and models."""

from django import template
from django.contrib.auth.models import AnonymousUser
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from batchconsole.console.frame.access import may
from batchconsole.console.models.names import model_name
from batchconsole.jobs.models import BatchJob
from batchconsole.records.catalogue import find_model

register = template.Library()


@register.simple_tag(takes_context=True)
def s3_url(context: Context, uri: str) -> str:
    """Return the URL of the console page for *uri*: the object page for a file, else the folder page.

    Empty if the user may not open that page.
    """
    view = "s3-object" if uri.rpartition("/")[2].endswith((".jsonl", ".out", ".json")) else "s3-browse"
    folder = uri if view == "s3-object" or uri.endswith("/") else f"{uri}/"
    if not may(context.get("user") or AnonymousUser(), view, context["connection"]):
        return ""
    return f"{reverse(view, args=[context['connection'].name])}?{urlencode({'uri': folder})}"


@register.simple_tag
def download_url(job: BatchJob, name: str) -> str:
    """Return the download URL of the output file *name* of *job*."""
    key = f"{job.output_folder.removeprefix('s3://')}{name}"
    return f"{reverse('job-download', args=[job.connection.name, job.pk])}?{urlencode({'key': key})}"


@register.simple_tag(takes_context=True)
def model_link(context: Context, model_id: str) -> SafeString | str:
    """Return the model's name, linked to its page if the catalog has it, with the id as tooltip."""
    model = find_model(model_id)
    if model is None:
        return format_html('<span title="{}">{}</span>', model_id, model_name(model_id))
    url = reverse("model-detail", args=[context["connection"].name, model.model_id])
    return format_html('<a href="{}" title="{}">{}</a>', url, model_id, model.name)


register.filter(model_name)
