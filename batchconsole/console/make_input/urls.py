"""Addresses of the pages that make input."""

from django.urls import URLPattern, path

from batchconsole.console.make_input import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/input/new/", views.new, name="input-new"),
    path("<slug:connection>/input/<int:pk>/", views.made, name="input-made"),
    path("<slug:connection>/input/<int:pk>/cancel/", views.cancel, name="input-made-cancel"),
]
