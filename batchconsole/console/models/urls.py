"""URLs of the model pages."""

from django.urls import URLPattern

from batchconsole.console.models import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/models/", views.index, name="model-list", right=Right.VIEW),
    page("<slug:connection>/models/picker/", views.picker, name="model-picker", right=Right.VIEW),
    page("<slug:connection>/models/summary/", views.summary, name="model-summary", right=Right.VIEW),
    page("<slug:connection>/models/<str:model_id>/", views.detail, name="model-detail", right=Right.VIEW),
]
