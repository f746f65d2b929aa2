"""The API put together: its routers, its errors, its description, and the headers of its rate limit."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from batchconsole.api.v1 import checks, connections, jobs, webhooks
from batchconsole.api.v1.problems import register
from batchconsole.api.v1.sign_in import KeySignIn, headers_of

DESCRIPTION = """The verbs of Batch Console's pages for programs. Send a key: `Authorization: Bearer <key>`.
Errors are RFC 9457 problems. Creating a job takes an `Idempotency-Key`: whoever repeats it gets the first job."""


class Api(NinjaAPI):
    """Each answer tells how many calls are left."""

    def create_response(self, request: HttpRequest, data: Any, **options: Any) -> HttpResponse:
        response = super().create_response(request, data, **options)
        for name, value in headers_of(request).items():
            response[name] = value
        return response


api = Api(
    title="Batch Console",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api-v1",
    auth=KeySignIn(),
    docs_url=None,
    openapi_url="/openapi.json",
)
api.add_router("/connections", connections.router)
api.add_router("/connections/{connection}/jobs", jobs.router)
api.add_router("/connections/{connection}/checks", checks.router)
api.add_router("/connections/{connection}/webhooks", webhooks.router)
register(api)
