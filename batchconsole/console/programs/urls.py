"""The URL of the page for developers."""

from django.urls import URLPattern

from batchconsole.console.programs import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/programs/", views.index, name="programs", right=Right.VIEW),
]
