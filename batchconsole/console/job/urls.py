"""URLs of one job."""

from django.urls import URLPattern

from batchconsole.console.job import notes, queue, results, stop, tags, views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/jobs/<int:pk>/", views.detail, name="job-detail", right=Right.VIEW),
    page("<slug:connection>/jobs/<int:pk>/stop/", stop.one, name="job-stop", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/tags/", tags.edit, name="job-tags", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/tags/read/", tags.read, name="job-tags-read", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/release/", views.release, name="job-release", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/hold/", queue.hold, name="job-hold", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/unhold/", queue.unhold, name="job-unhold", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/front/", queue.front, name="job-front", right=Right.OPERATE),
    page("<slug:connection>/jobs/<int:pk>/priority/", queue.priority, name="job-priority", right=Right.OPERATE),
    page("<slug:connection>/jobs/<int:pk>/archive/", queue.archive, name="job-archive", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/unarchive/", queue.unarchive, name="job-unarchive", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/notes/", notes.add, name="job-note", right=Act.ON_ANY_JOBS),
    page(
        "<slug:connection>/jobs/<int:pk>/notes/<int:note>/remove/",
        notes.remove,
        name="job-note-remove",
        right=Act.ON_JOBS,
    ),
    page("<slug:connection>/jobs/<int:pk>/results/read/", views.collect, name="job-results-read", right=Act.ON_JOB),
    page("<slug:connection>/jobs/<int:pk>/records/<int:position>/", views.record, name="job-record", right=Right.READ),
    page("<slug:connection>/jobs/<int:pk>/output/", views.download, name="job-download", right=Right.READ),
    page("<slug:connection>/jobs/<int:pk>/results.<slug:kind>", results.export, name="job-export", right=Right.READ),
    page("<slug:connection>/jobs/<int:pk>/table.<slug:kind>", results.table, name="job-table", right=Right.READ),
    page("<slug:connection>/jobs/<int:pk>/resend/", results.resend, name="job-resend", right=Act.ON_JOB),
]
