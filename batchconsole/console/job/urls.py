"""Addresses of one job."""

from django.urls import URLPattern, path

from batchconsole.console.job import results, stop, tags, views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/jobs/<int:pk>/", views.detail, name="job-detail"),
    path("<slug:connection>/jobs/<int:pk>/stop/", stop.one, name="job-stop"),
    path("<slug:connection>/jobs/<int:pk>/tags/", tags.edit, name="job-tags"),
    path("<slug:connection>/jobs/<int:pk>/release/", views.release, name="job-release"),
    path("<slug:connection>/jobs/<int:pk>/results/read/", views.collect, name="job-results-read"),
    path("<slug:connection>/jobs/<int:pk>/records/<int:position>/", views.record, name="job-record"),
    path("<slug:connection>/jobs/<int:pk>/output/", views.download, name="job-download"),
    path("<slug:connection>/jobs/<int:pk>/results.<slug:kind>", results.export, name="job-export"),
    path("<slug:connection>/jobs/<int:pk>/resend/", results.resend, name="job-resend"),
]
