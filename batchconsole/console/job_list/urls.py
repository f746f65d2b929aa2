"""URLs of the job list."""

from django.urls import URLPattern

from batchconsole.console.job_list import adding_filter, compare, kept, stop, views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/jobs/", views.index, name="job-list", right=Right.VIEW),
    page("<slug:connection>/jobs.csv", views.export, name="job-list-export", right=Right.VIEW),
    page("<slug:connection>/jobs/filter/", adding_filter.add, name="job-filter", right=Right.VIEW),
    page("<slug:connection>/jobs/columns/", kept.table, name="job-columns", right=Right.VIEW),
    page("<slug:connection>/jobs/columns/widths/", kept.widths, name="job-column-widths", right=Right.VIEW),
    page("<slug:connection>/jobs/views/save/", kept.save, name="job-view-save", right=Right.VIEW),
    page("<slug:connection>/jobs/views/remove/", kept.remove, name="job-view-remove", right=Right.VIEW),
    page("<slug:connection>/jobs/hold/", stop.hold, name="job-hold-selected", right=Act.ON_JOBS),
    page("<slug:connection>/jobs/unhold/", stop.unhold, name="job-unhold-selected", right=Act.ON_JOBS),
    page("<slug:connection>/jobs/archive/", stop.archive, name="job-archive-selected", right=Act.ON_JOBS),
    page("<slug:connection>/jobs/unarchive/", stop.unarchive, name="job-unarchive-selected", right=Act.ON_JOBS),
    page("<slug:connection>/jobs/tag/", stop.tag, name="job-tag-selected", right=Act.ON_JOBS),
    page("<slug:connection>/jobs/clone/", stop.clone, name="job-clone-selected", right=Right.SUBMIT),
    page("<slug:connection>/jobs/compare/", compare.index, name="job-compare", right=Right.VIEW),
    page("<slug:connection>/jobs/stop/", stop.selected, name="job-stop-selected", right=Act.ON_JOBS),
]
