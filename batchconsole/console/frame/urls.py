"""Addresses of what stands round every page."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from batchconsole.console.frame import health, home, preferences_page, session_end, sign_in

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("login/", sign_in.login, name="login"),
    path("drafts/", session_end.keep_draft, name="draft-keep"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("preferences/", preferences_page.edit, name="preferences"),
    path("help/<slug:topic>/", home.help_topic, name="help"),
]
