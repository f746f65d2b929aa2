"""Addresses of bulk actions."""

from django.urls import URLPattern, path

from batchconsole.console.bulk_actions import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/bulk-actions/", views.index, name="bulk-action-list"),
    path("<slug:connection>/bulk-actions/<int:pk>/", views.detail, name="bulk-action"),
    path("<slug:connection>/bulk-actions/<int:pk>/cancel/", views.cancel, name="bulk-action-cancel"),
]
