"""Addresses of the job list."""

from django.urls import URLPattern, path

from batchconsole.console.job_list import kept, stop, views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/jobs/", views.index, name="job-list"),
    path("<slug:connection>/jobs.csv", views.export, name="job-list-export"),
    path("<slug:connection>/jobs/columns/", kept.table, name="job-columns"),
    path("<slug:connection>/jobs/columns/widths/", kept.widths, name="job-column-widths"),
    path("<slug:connection>/jobs/views/save/", kept.save, name="job-view-save"),
    path("<slug:connection>/jobs/views/remove/", kept.remove, name="job-view-remove"),
    path("<slug:connection>/jobs/stop/", stop.selected, name="job-stop-selected"),
]
