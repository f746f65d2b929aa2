"""Addresses of the pages of models."""

from django.urls import URLPattern, path

from batchconsole.console.models import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/models/", views.index, name="model-list"),
    path("<slug:connection>/models/picker/", views.picker, name="model-picker"),
    path("<slug:connection>/models/summary/", views.summary, name="model-summary"),
    path("<slug:connection>/models/<str:model_id>/", views.detail, name="model-detail"),
]
