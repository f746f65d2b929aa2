"""The console's URLs, named after noun and verb: ``job-list``, ``job-stop``."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from batchconsole.console.views import (
    activity,
    auth,
    create,
    health,
    home,
    job,
    job_stop,
    jobs,
    models,
    preferences,
    roles,
    s3,
)

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("login/", auth.login, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("preferences/", preferences.edit, name="preferences"),
    path("help/<slug:topic>/", home.help_topic, name="help"),
    path("activity/", activity.index, name="activity"),
    path("<slug:connection>/jobs/", jobs.index, name="job-list"),
    path("<slug:connection>/jobs/create/", create.job_create, name="job-create"),
    path("<slug:connection>/jobs/create/field/<slug:name>/", create.job_field, name="job-field"),
    path("<slug:connection>/models/", models.index, name="model-list"),
    path("<slug:connection>/models/picker/", models.picker, name="model-picker"),
    path("<slug:connection>/models/summary/", models.summary, name="model-summary"),
    path("<slug:connection>/models/<str:model_id>/", models.detail, name="model-detail"),
    path("<slug:connection>/roles/policy/", roles.policy, name="role-policy"),
    path("<slug:connection>/s3/", s3.browse, name="s3-browse"),
    path("<slug:connection>/s3/object/", s3.s3_object, name="s3-object"),
    path("<slug:connection>/s3/download/", s3.download, name="s3-download"),
    path("<slug:connection>/s3/upload/", s3.upload, name="s3-upload"),
    path("<slug:connection>/s3/folder/", s3.create_folder, name="s3-folder"),
    path("<slug:connection>/jobs/stop/", job_stop.selected, name="job-stop-selected"),
    path("<slug:connection>/jobs/<int:pk>/", job.detail, name="job-detail"),
    path("<slug:connection>/jobs/<int:pk>/stop/", job_stop.one, name="job-stop"),
    path("<slug:connection>/jobs/<int:pk>/release/", job.release, name="job-release"),
    path("<slug:connection>/jobs/<int:pk>/output/", job.download, name="job-download"),
]
