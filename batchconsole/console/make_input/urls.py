"""URLs of the pages that make batch input."""

from django.urls import URLPattern

from batchconsole.console.make_input import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/input/new/", views.new, name="input-new", right=Right.SUBMIT),
    page("<slug:connection>/input/<int:pk>/", views.made, name="input-made", right=Right.VIEW),
    page("<slug:connection>/input/<int:pk>/cancel/", views.cancel, name="input-made-cancel", right=Act.ON_JOBS),
]
