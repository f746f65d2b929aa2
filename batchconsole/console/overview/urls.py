"""The URL of the overview."""

from django.urls import URLPattern

from batchconsole.console.overview import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/", views.index, name="overview", right=Right.VIEW),
]
