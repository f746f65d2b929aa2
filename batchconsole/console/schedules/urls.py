"""URLs of schedules, apart from those of their form."""

from django.urls import URLPattern

from batchconsole.console.schedules import views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import Act, page

HERE = "<slug:connection>/schedules/"

urlpatterns: list[URLPattern] = [
    page(HERE, views.index, name="schedule-list", right=Right.VIEW),
    page(f"{HERE}<int:pk>/", views.detail, name="schedule-detail", right=Right.VIEW),
    page(f"{HERE}<int:pk>/pause/", views.pause, name="schedule-pause", right=Act.ON_JOBS),
    page(f"{HERE}<int:pk>/resume/", views.resume, name="schedule-resume", right=Act.ON_JOBS),
    page(f"{HERE}<int:pk>/run/", views.run, name="schedule-run", right=Act.ON_JOBS),
    page(f"{HERE}<int:pk>/delete/", views.delete, name="schedule-delete", right=Act.ON_JOBS),
    page(f"{HERE}files/<int:pk>/retry/", views.retry, name="schedule-file-retry", right=Act.ON_JOBS),
]
