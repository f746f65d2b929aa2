"""The URLs of the Anthropic dialect, with Anthropic's own paths below the connection's base URL."""

from django.urls import URLPattern

from batchconsole.api.anthropic import views
from batchconsole.url_rights import Audience, View, page

BASE = "anthropic/<slug:name>/v1/messages/batches"


def _at(path: str, view: View, name: str) -> URLPattern:
    return page(f"{BASE}{path}", view, name=f"anthropic-{name}", right=Audience.PROGRAMS)


patterns: list[URLPattern] = [
    _at("", views.batches, "batches"),
    _at("/<str:batch_id>", views.batch, "batch"),
    _at("/<str:batch_id>/cancel", views.cancel, "batch-cancel"),
    _at("/<str:batch_id>/results", views.results, "batch-results"),
]
