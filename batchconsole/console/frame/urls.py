"""Addresses of what stands round every page."""

from django.urls import URLPattern, path

from batchconsole.console.frame import health, home, preferences_page, session_end

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("drafts/", session_end.keep_draft, name="draft-keep"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("preferences/", preferences_page.edit, name="preferences"),
    path("help/<slug:topic>/", home.help_topic, name="help"),
]
