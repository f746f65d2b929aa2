"""Addresses of the create page and of its parts."""

from django.urls import URLPattern, path

from batchconsole.console.create import check, role, views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/jobs/create/", views.job_create, name="job-create"),
    path("<slug:connection>/jobs/create/check/<slug:name>/", views.job_field_check, name="job-field-check"),
    path("<slug:connection>/jobs/create/command/", views.job_command, name="job-command"),
    path("<slug:connection>/jobs/create/field/<slug:name>/", views.job_field, name="job-field"),
    path("<slug:connection>/input-checks/", check.start, name="input-check-start"),
    path("<slug:connection>/roles/access/", role.access, name="role-access"),
    path("<slug:connection>/roles/policy/", role.policy, name="role-policy"),
]
