"""The address of the activity."""

from django.urls import URLPattern, path

from batchconsole.console.activity import views

urlpatterns: list[URLPattern] = [
    path("activity/", views.index, name="activity"),
]
