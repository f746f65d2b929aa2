"""URLs of job templates."""

from django.urls import URLPattern

from batchconsole.console.job_templates import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/job-templates/", views.index, name="job-template-list", right=Right.VIEW),
    page(
        "<slug:connection>/job-templates/<int:pk>/rename/",
        views.rename,
        name="job-template-rename",
        right=Act.ON_JOBS,
    ),
    page(
        "<slug:connection>/job-templates/<int:pk>/delete/",
        views.delete,
        name="job-template-delete",
        right=Act.ON_JOBS,
    ),
    page("<slug:connection>/jobs/<int:pk>/template/", views.save, name="job-template-save", right=Right.SUBMIT),
]
