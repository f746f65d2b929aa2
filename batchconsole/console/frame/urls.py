"""URLs of the frame: home, drafts, health, metrics, preferences and help."""

from django.urls import URLPattern

from batchconsole.console.frame import health, home, preferences_page, session_end
from batchconsole.url_rights import Audience, page

urlpatterns: list[URLPattern] = [
    page("", home.home, name="home", right=Audience.SIGNED_IN),
    page("drafts/", session_end.keep_draft, name="draft-keep", right=Audience.EVERYBODY),
    page("healthz", health.healthz, name="healthz", right=Audience.EVERYBODY),
    page("readyz", health.readyz, name="readyz", right=Audience.EVERYBODY),
    page("metrics", health.metrics, name="metrics", right=Audience.EVERYBODY),
    page("preferences/", preferences_page.edit, name="preferences", right=Audience.SIGNED_IN),
    page("help/<slug:topic>/", home.help_topic, name="help", right=Audience.SIGNED_IN),
]
