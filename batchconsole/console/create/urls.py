"""URLs of the create page and its parts."""

from django.urls import URLPattern

from batchconsole.console.create import check, role, schedule, views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/jobs/create/", views.job_create, name="job-create", right=Right.SUBMIT),
    page(
        "<slug:connection>/jobs/create/check/<slug:name>/",
        views.job_field_check,
        name="job-field-check",
        right=Right.SUBMIT,
    ),
    page("<slug:connection>/jobs/create/command/", views.job_command, name="job-command", right=Right.SUBMIT),
    page("<slug:connection>/jobs/create/field/<slug:name>/", views.job_field, name="job-field", right=Right.SUBMIT),
    page("<slug:connection>/schedules/create/", schedule.create, name="schedule-create", right=Right.SUBMIT),
    page("<slug:connection>/schedules/<int:pk>/edit/", schedule.edit, name="schedule-edit", right=Act.ON_JOBS),
    page("<slug:connection>/input-checks/", check.start_input_check, name="input-check-start", right=Right.SUBMIT),
    page("<slug:connection>/roles/access/", role.access, name="role-access", right=Right.SUBMIT),
    page("<slug:connection>/roles/policy/", role.policy, name="role-policy", right=Right.SUBMIT),
]
