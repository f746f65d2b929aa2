"""URLs of the pages that make batch input."""

from django.urls import URLPattern

from batchconsole.console.make_input import merge, saved_templates, several, views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/input/new/", views.new, name="input-new", right=Right.SUBMIT),
    page("<slug:connection>/input/merge/", merge.merge, name="input-merge", right=Right.SUBMIT),
    page("<slug:connection>/input/several/", several.several, name="input-several", right=Right.VIEW),
    page("<slug:connection>/input/<int:pk>/", views.made, name="input-made", right=Right.VIEW),
    page("<slug:connection>/input/<int:pk>/cancel/", views.cancel, name="input-made-cancel", right=Act.ON_JOBS),
    page("<slug:connection>/input/templates/", saved_templates.index, name="input-templates", right=Right.SUBMIT),
    page(
        "<slug:connection>/input/templates/<int:pk>/",
        saved_templates.detail,
        name="input-template",
        right=Right.SUBMIT,
    ),
    page(
        "<slug:connection>/input/templates/<int:pk>/archive/",
        saved_templates.archive,
        name="input-template-archive",
        right=Right.SUBMIT,
    ),
    page(
        "<slug:connection>/input/templates/<int:pk>/restore/",
        saved_templates.restore,
        name="input-template-restore",
        right=Right.SUBMIT,
    ),
    page(
        "<slug:connection>/input/templates/<int:pk>/delete/",
        saved_templates.delete,
        name="input-template-delete",
        right=Right.OPERATE,
    ),
]
