"""URLs of the comparisons of jobs."""

from django.urls import URLPattern

from batchconsole.console.comparison import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

ONE = "<slug:connection>/comparisons/<int:pk>/"

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/comparisons/", views.index, name="comparison-list", right=Right.VIEW),
    page("<slug:connection>/comparisons/create/", views.create, name="comparison-create", right=Act.ON_ANY_JOBS),
    page(ONE, views.detail, name="comparison", right=Right.VIEW),
    page(f"{ONE}mark/", views.mark, name="comparison-mark", right=Act.ON_ANY_JOBS),
    page(f"{ONE}again/", views.again, name="comparison-again", right=Act.ON_JOBS),
    page(f"{ONE}delete/", views.delete, name="comparison-delete", right=Act.ON_JOBS),
    page(f"{ONE}marks.<slug:kind>", views.export, name="comparison-marks", right=Right.READ),
]
