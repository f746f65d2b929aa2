"""URLs for programs. They serve no pages and use no sessions: every call carries its key."""

from django.urls import URLPattern, URLResolver, include, path

from batchconsole.api.anthropic.urls import patterns as anthropic_patterns
from batchconsole.api.gateway.views import aws_gateway
from batchconsole.api.openai.urls import patterns as openai_patterns
from batchconsole.api.refusals import DOCS
from batchconsole.api.v1.api import api
from batchconsole.api.v1.docs import docs
from batchconsole.url_rights import Audience, declare, page

patterns, application, namespace = api.urls
urlpatterns: list[URLPattern | URLResolver] = [
    page("aws/<slug:name>/<path:rest>", aws_gateway, name="aws-gateway", right=Audience.PROGRAMS),
    *openai_patterns,
    *anthropic_patterns,
    page(DOCS.removeprefix("/"), docs, name="api-docs", right=Audience.SIGNED_IN),
    path("api/v1/", include((declare(patterns, Audience.PROGRAMS), application), namespace=namespace)),
]
