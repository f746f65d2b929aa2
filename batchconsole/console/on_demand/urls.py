"""URLs of the on-demand lane."""

from django.urls import URLPattern

from batchconsole.console.on_demand import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/jobs/on-demand/", views.create, name="job-on-demand", right=Right.SUBMIT),
    page("<slug:connection>/jobs/<int:pk>/on-demand/", views.rest, name="job-take-over", right=Act.ON_JOB),
]
