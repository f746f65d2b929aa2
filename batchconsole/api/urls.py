"""Addresses for programs. None belongs to a page, and none knows a session: each call brings its key."""

from django.urls import URLPattern

from batchconsole.api.gateway.views import aws_gateway
from batchconsole.url_rights import Audience, page

urlpatterns: list[URLPattern] = [
    page("aws/<slug:name>/<path:rest>", aws_gateway, name="aws-gateway", right=Audience.PROGRAMS),
]
