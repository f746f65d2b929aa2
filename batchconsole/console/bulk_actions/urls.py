"""URLs of bulk actions."""

from django.urls import URLPattern

from batchconsole.console.bulk_actions import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/bulk-actions/", views.index, name="bulk-action-list", right=Right.VIEW),
    page("<slug:connection>/bulk-actions/<int:pk>/", views.detail, name="bulk-action", right=Right.VIEW),
    page("<slug:connection>/bulk-actions/<int:pk>/cancel/", views.cancel, name="bulk-action-cancel", right=Act.ON_JOBS),
]
