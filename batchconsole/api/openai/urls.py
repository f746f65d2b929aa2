"""The URLs of the OpenAI dialect, with OpenAI's own paths below the connection's base URL."""

from django.urls import URLPattern

from batchconsole.api.openai import views
from batchconsole.url_rights import Audience, View, page

BASE = "openai/<slug:name>/v1/"


def _at(path: str, view: View, name: str) -> URLPattern:
    return page(f"{BASE}{path}", view, name=f"openai-{name}", right=Audience.PROGRAMS)


patterns: list[URLPattern] = [
    _at("files", views.files, "files"),
    _at("files/<str:file_id>", views.file, "file"),
    _at("files/<str:file_id>/content", views.content, "file-content"),
    _at("batches", views.batches, "batches"),
    _at("batches/<str:batch_id>", views.batch, "batch"),
    _at("batches/<str:batch_id>/cancel", views.cancel, "batch-cancel"),
    _at("models", views.models, "models"),
]
