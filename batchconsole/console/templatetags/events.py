"""Tags for the audit trail and for errors."""

from typing import Any

from django import template
from django.urls import reverse

from batchconsole.console.kit.errors import sentences
from batchconsole.jobs.models import Event
from batchconsole.records.results import ErrorGroup, MisfitGroup

register = template.Library()

ABBREVIATIONS = {
    name.lower(): name for name in ("API", "ARN", "AWS", "ID", "IDs", "KMS", "S3", "URI", "URL", "USD", "VPC")
}


@register.filter
def bulk_action_url(event: Event) -> str:
    """Return the URL of the bulk action that *event* belongs to."""
    return _event_url(event, "bulk-action", "bulk_action")


@register.filter
def input_check_url(event: Event) -> str:
    """Return the URL of the input check that *event* reports."""
    return _event_url(event, "input-check", "input_check")


def _event_url(event: Event, page: str, name: str) -> str:
    connection = event.job.connection if event.job else event.connection
    return reverse(page, args=[connection.name, event.data[name]]) if connection else ""


@register.filter
def examples(group: ErrorGroup | MisfitGroup) -> list[tuple[int, str]]:
    """Return the positions and ids of the first records of an error group."""
    return list(zip(group.positions, group.record_ids, strict=False))


@register.filter
def said(value: Any) -> Any:
    """Format a value of an event: lists with commas, tags as ``team = nlp``, an empty list as ``none``, ``10,000``."""
    if isinstance(value, list):
        return ", ".join(str(said(each)) for each in value) or "none"
    if isinstance(value, dict) and value.keys() == {"key", "value"}:
        return f"{value['key']} = {value['value']}" if value["value"] else value["key"]
    return f"{value:,}" if type(value) is int else value


@register.filter
def words(name: str) -> str:
    """Return a snake-case name as words: ``Bulk action``, ``Job ARN``."""
    first, *rest = name.split("_")
    return " ".join([ABBREVIATIONS.get(first, first.capitalize()), *(ABBREVIATIONS.get(each, each) for each in rest)])


register.filter(sentences)
