"""The assembled JSON API: its routers, errors, description and rate limit headers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from batchconsole.api.call_limit import headers_of
from batchconsole.api.refusals import PROBLEM, TITLES
from batchconsole.api.v1 import (
    checks,
    connections,
    inputs,
    jobs,
    notes,
    on_demand,
    prompt_templates,
    results,
    schedules,
    splits,
    templates,
    webhooks,
)
from batchconsole.api.v1.problems import register
from batchconsole.api.v1.schemas import ProblemOut
from batchconsole.api.v1.sign_in import KeySignIn

DESCRIPTION = """The verbs of Batch Console's pages for programs. Send a key: `Authorization: Bearer <key>`.
Errors are RFC 9457 problems. Creating a job takes an `Idempotency-Key`: whoever repeats it gets the first job."""


ERRORS = (400, 401, 403, 404, 406, 408, 409, 413, 415, 422, 429, 500, 502, 503)


def told(status: int) -> dict[str, Any]:
    """Return the OpenAPI description of an error with *status*."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": TITLES[status], "content": content}


class Api(NinjaAPI):
    """A NinjaAPI whose responses carry rate limit headers and whose operations document their errors."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        for operation in (each for path in schema["paths"].values() for each in path.values()):
            operation["responses"] |= {status: told(status) for status in ERRORS}
        return schema

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
api.add_router("/connections/{connection}/jobs", results.router)
api.add_router("/connections/{connection}/jobs", notes.router)
api.add_router("/connections/{connection}/checks", checks.router)
api.add_router("/connections/{connection}", on_demand.router)
api.add_router("/connections/{connection}/splits", splits.router)
api.add_router("/connections/{connection}/schedules", schedules.router)
api.add_router("/connections/{connection}/job-templates", templates.router)
api.add_router("/connections/{connection}/prompt-templates", prompt_templates.router)
api.add_router("/connections/{connection}/webhooks", webhooks.router)
api.add_router("/connections/{connection}/inputs", inputs.router)
register(api)
