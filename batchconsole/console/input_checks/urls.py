"""Addresses of input checks."""

from django.urls import URLPattern, path

from batchconsole.console.input_checks import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/input-checks/<int:pk>/", views.detail, name="input-check"),
    path("<slug:connection>/input-checks/<int:pk>/cancel/", views.cancel, name="input-check-cancel"),
    path("<slug:connection>/input-checks/<int:pk>/problems.csv", views.export, name="input-check-export"),
]
