"""Addresses of usage."""

from django.urls import URLPattern, path

from batchconsole.console.usage import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/usage/", views.index, name="usage"),
    path("<slug:connection>/usage/<slug:kind>.csv", views.export, name="usage-export"),
]
