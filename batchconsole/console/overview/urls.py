"""The address of the overview."""

from django.urls import URLPattern, path

from batchconsole.console.overview import views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/", views.index, name="overview"),
]
