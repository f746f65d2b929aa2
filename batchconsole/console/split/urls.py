"""URLs of the splits of inputs."""

from django.urls import URLPattern

from batchconsole.console.split import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/splits/<int:pk>/", views.detail, name="split", right=Right.VIEW),
    page("<slug:connection>/splits/<int:pk>/cancel/", views.cancel, name="split-cancel", right=Act.ON_JOBS),
    page("<slug:connection>/splits/<int:pk>/retry/", views.retry, name="split-retry", right=Act.ON_JOBS),
    page("<slug:connection>/splits/<int:pk>/results.<slug:kind>", views.export, name="split-export", right=Right.READ),
]
