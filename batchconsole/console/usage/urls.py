"""URLs of the usage pages."""

from django.urls import URLPattern

from batchconsole.console.usage import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/usage/", views.index, name="usage", right=Right.VIEW),
    page("<slug:connection>/usage/<slug:kind>.csv", views.export, name="usage-export", right=Right.VIEW),
]
