"""The console's URLs, named after noun and verb: ``job-list``, ``job-stop``."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
