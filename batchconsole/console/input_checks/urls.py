"""URLs of input checks."""

from django.urls import URLPattern

from batchconsole.console.input_checks import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/input-checks/<int:pk>/", views.detail, name="input-check", right=Right.VIEW),
    page(
        "<slug:connection>/input-checks/<int:pk>/problems.csv",
        views.export,
        name="input-check-export",
        right=Right.READ,
    ),
    page("<slug:connection>/input-checks/<int:pk>/cancel/", views.cancel, name="input-check-cancel", right=Act.ON_JOBS),
]
